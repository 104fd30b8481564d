"""Which weights of a compressed package keep 16 bits: as many as it takes for its outputs to stay near the network's.

A trial package is made first, small and of one size. Where an output falls short, weights keep their bits until none
does: first those whose results are remembered, since errors in them come back with every frame, then those whose
layers the compression disturbs most (`convert.sqnr`).
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from convert.compression import compressed, weight_digests
from convert.emulator import EmulatedModel
from convert.facts import PackageFacts
from convert.form import Form
from convert.mlprogram import to_model
from convert.program import Function, read_program
from convert.quiet import quiet
from convert.real_frames import real_frames
from convert.running import PackageRunner
from convert.shapes import Shapes, Size
from convert.source import TwinSource
from convert.sqnr import layer_sqnr
from convert.tracing import state_output, trace
from convert.verify import COMPRESSED_THRESHOLD_DB, STREAM_FRAMES, distance, reference_stream, run_stream

#: Least height and width of the trial's frames.
TRIAL_SIDE = 128
#: What outputs have to be better by in the trial: at other sizes and on other frames they may be worse.
MARGIN_DB = 3.0
#: What writes a state of Core ML's, and its input that is written.
_WRITES = {"write_state": "data", "coreml_update_state": "value"}


def weights_to_keep(source: TwinSource, shapes: Shapes, form: Form) -> dict[str, str]:
    """Names by digest (`weight_digests`) of the weights that keep 16 bits under `form.compress`. Often there are none.

    A weight has other names at other sizes, and the same digest.
    """
    with quiet():
        trial = _Trial(source, _trial_size(shapes, source.twin.interface.stride), form)
        if trial.passes(()):
            return {}
        names = trial.by_need()
        too_few, count = 0, max(1, len(trial.remembering))
        while count < len(names) and not trial.passes(names[:count]):
            too_few, count = count, min(2 * count, len(names))
        # The fewest that pass: more than the last that did not.
        count = bisect_left(
            range(len(names)), True, too_few + 1, count, key=lambda few: trial.passes(names[:few])
        )
    return {trial.digests[name]: name for name in names[:count]}


def _trial_size(shapes: Shapes, stride: int) -> Size:
    """A small size, or the smallest that the package is for where the network may not be of any other."""
    smallest = min(shapes.sizes, key=lambda size: size.height * size.width)
    side = -(-TRIAL_SIDE // stride) * stride
    return smallest if shapes.kind == "fixed" and max(smallest) <= side else Size(side, side)


class _Trial:
    """A package of one size, which can be compressed again and again."""

    def __init__(self, source: TwinSource, size: Size, form: Form) -> None:
        interface = source.twin.interface
        shapes = Shapes("fixed", (size,))
        self._form = form
        self._facts = PackageFacts(interface, shapes, {}, images=form.io == "image", stateful=form.stateful)
        self._model = to_model(source, trace(source.twin, shapes, form), shapes, form)
        self._package = Path(self._model.package_path)
        self._inputs = real_frames(form.calibrate, size, STREAM_FRAMES).inputs(interface)
        self._wanted = reference_stream(source.twin, self._inputs)

    def passes(self, kept: Collection[str]) -> bool:
        """Whether every output, over a stream, is near enough to the network's when these weights keep 16 bits."""
        package = Path(compressed(self._model, self._facts, self._form, kept).package_path)
        got = run_stream(PackageRunner(self._facts, lambda _: EmulatedModel(package)), self._inputs)
        return all(
            distance(self._wanted[port.name], got[port.name])[0] >= COMPRESSED_THRESHOLD_DB + MARGIN_DB
            for port in self._facts.interface.outputs
        )

    @cached_property
    def digests(self) -> dict[str, str]:
        """Of every weight, by its name."""
        return weight_digests(self._package)

    @cached_property
    def remembering(self) -> list[str]:
        """The compressed weights of the layers whose results are remembered."""
        ports = () if self._form.stateful else self._facts.interface.state
        states = [state_output(port.name) for port in ports]
        return nearest_weights(read_program(self._package).function(), states, self._ratios.keys())

    def by_need(self) -> list[str]:
        """Every weight that compression touches, those first that need their bits most."""
        others = self._ratios.keys() - set(self.remembering)
        return [*self.remembering, *sorted(others, key=lambda name: self._ratios[name])]

    @cached_property
    def _ratios(self) -> dict[str, float]:
        # Of the weights alone: what activations of 8 bits cost is seen when the package is tried.
        form = (
            replace(self._form, compress="int8", calibrate=None)
            if self._form.compress == "w8a8"
            else self._form
        )
        smaller = compressed(self._model, self._facts, form, ())
        return layer_sqnr(self._package, Path(smaller.package_path), self._facts, self._form.calibrate)


def nearest_weights(function: Function, states: Iterable[str], weights: Iterable[str]) -> list[str]:
    """Of some weights those with which the values that a function remembers are computed, nearest before each.

    `states`: names of the outputs that carry memory; memory that Core ML keeps is found by itself.
    """
    steps = list(function.block.walk())
    made_by = {output.name: step for step in steps for output in step.outputs}
    written = [str(step.inputs[_WRITES[step.type]][0]) for step in steps if step.type in _WRITES]
    known, found = set(weights), dict[str, None]()
    for remembered in [*states, *written]:
        level, seen = [remembered], {remembered}
        while level and not known & set(level):
            before = [name for made in level if made in made_by for name in made_by[made].named_operands]
            level = [name for name in dict.fromkeys(before) if name not in seen]
            seen.update(level)
        found |= dict.fromkeys(name for name in level if name in known)
    return list(found)
