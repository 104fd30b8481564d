"""Does a written package compute what its network does? Run over a stream of real frames, against the fp32 twin.

Every size or function, every output, every state; states of a compressed package count by what they do to the outputs
of the frames that follow. In the emulator, which rounds to half precision as a device does, and
on a Mac besides in Core ML itself, on every compute unit. The package is run as the backend `coreml` runs it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convert.emulator import EmulatedModel
from convert.facts import PackageFacts
from convert.limits import refusals
from convert.program import read_program
from convert.real_frames import real_frames
from convert.running import COMPUTE_UNITS, Arrays, PackageRunner
from convert.shapes import Shapes, Size
from convert.source import TwinSource, open_source
from convert.verification import Flag, OutputCheck, Verification, psnr_db
from convert.worst_op import worst_op
from mlx_vader.errors import VaderError

if TYPE_CHECKING:
    from mlx_vader.models.base import Network
    from torch_ref.models.base import Network as TorchNetwork

STREAM_FRAMES = 16
#: dB that a package has to reach. Fewer bits cost quality, which is reported; less than this is a broken package.
THRESHOLD_DB = 50.0
COMPRESSED_THRESHOLD_DB = 30.0
#: A load by Core ML can hang, or take minutes: 273 to 560 s were reported.
DEVICE_SECONDS = 900

#: Runs a stream of inputs, and gives outputs and states by name, each stacked over the frames.
Engine = Callable[[Mapping[str, np.ndarray]], Arrays]


def verify(
    package: Path,
    net_or_checkpoint: "Network | str | Path" = "default",
    *,
    clip: Path | None = None,
    threshold_db: float | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Verification:
    """Checks a package against the network, checkpoint file or shipped checkpoint that it was made from.

    `clip`: whose frames are given (default: the demo's). `threshold_db`: what every output and state has to reach, by
    default 50; of compressed weights every output, by default 30. Raises VaderError for what is no package of this
    toolkit, and for a checkpoint of another network.
    """
    on_step("reading the network")
    source, facts = open_source(net_or_checkpoint), PackageFacts.read(package)
    return verify_source(package, facts, source, clip=clip, threshold_db=threshold_db, on_step=on_step)


def verify_source(
    package: Path,
    facts: PackageFacts,
    source: TwinSource,
    *,
    clip: Path | None = None,
    threshold_db: float | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> Verification:
    """`verify` for a package that has been read and a twin that is already there."""
    _check_same_network(source, facts)
    if threshold_db is None:
        threshold_db = COMPRESSED_THRESHOLD_DB if facts.compressed else THRESHOLD_DB
    emulated = _Emulated(package, facts)
    engines: dict[str, Engine] = {"emulated": emulated}
    if sys.platform == "darwin":
        engines |= {units: partial(on_device, package, units) for units in COMPUTE_UNITS}
    outputs: list[OutputCheck] = []
    failures = [str(refusal) for refusal in refusals(read_program(package))]
    lost: list[float] = []
    shown = ""
    judged = {port.name for port in facts.interface.outputs}
    if not facts.compressed:
        judged |= {port.name for port in facts.interface.state}
    sizes = sizes_to_check(facts.shapes, facts.interface.stride)
    for size in sizes:
        on_step(f"checking {size}")
        real = real_frames(clip, size, STREAM_FRAMES)
        inputs = real.inputs(facts.interface)
        shown, wanted = real.label, reference_stream(source.twin, inputs)
        for engine, run in engines.items():
            try:
                got = run(inputs)
            except VaderError as error:
                failures.append(f"{engine} at {size}: {error.message}")
                continue
            if facts.interface.restores:
                name = facts.interface.restoration().restored.name
                lost.append(_quality(wanted[name], real.clean) - _quality(got[name], real.clean))
            function = facts.functions.get(size, "main")
            outputs += [
                OutputCheck(
                    engine,
                    function,
                    str(size),
                    name,
                    *distance(wanted.get(name), got.get(name)),
                    judged=name in judged,
                )
                for name in sorted(wanted.keys() | got.keys())
            ]
    on_step("looking for the worst operation")
    smallest = min(sizes, key=lambda size: size.height * size.width)
    worst = None if failures else worst_op(package, facts, clip, smallest)
    return Verification(
        threshold_db,
        tuple(outputs),
        max(lost, default=0.0),
        tuple(emulated.flags()),
        worst,
        tuple(failures),
        STREAM_FRAMES,
        shown,
    )


def sizes_to_check(shapes: Shapes, stride: int) -> list[Size]:
    """Every size; of a range both the least and the default one, and one between them that is not their shape."""
    if shapes.kind != "range":
        return list(shapes.sizes)
    low, default = shapes.sizes[0], shapes.default
    middle = Size(_between(low.height, default.height, stride), low.width)
    return list(dict.fromkeys([low, middle, default]))


def _between(low: int, high: int, stride: int) -> int:
    return low + (high - low) // (2 * stride) * stride


def _check_same_network(source: TwinSource, facts: PackageFacts) -> None:
    if (source.network, json.loads(json.dumps(source.spec))) != (facts.network, facts.spec):
        raise VaderError(
            f"the package holds another network than the checkpoint's {source.network}",
            hint="give the checkpoint that it was converted from with -c",
        )


def reference_stream(twin: "TorchNetwork", inputs: Mapping[str, np.ndarray]) -> Arrays:
    """What `run_stream` gives, from the twin in fp32."""
    import torch

    def steps() -> Iterator[Arrays]:
        state: Any = None
        for time in range(_length(inputs)):
            frame = {
                name: _channels_first(torch.from_numpy(a[time]))[None, None] for name, a in inputs.items()
            }
            outputs, state = twin.run(frame, state)
            yield {name: _channels_last(value[0]).numpy() for name, value in outputs.items()} | {
                name: value.numpy() for name, value in state.items()
            }

    with torch.inference_mode():
        return _collected(steps())


def _channels_first(frame: Any) -> Any:
    return frame.permute(2, 0, 1) if frame.ndim == 3 else frame


def _channels_last(frames: Any) -> Any:
    return frames.permute(0, 2, 3, 1) if frames.ndim == 4 else frames


def run_stream(runner: PackageRunner, inputs: Mapping[str, np.ndarray]) -> Arrays:
    """Outputs and states after each frame, `(t, …)`."""

    def steps() -> Iterator[Arrays]:
        state: Any = None
        for time in range(_length(inputs)):
            values, state = runner.run({name: a[time : time + 1] for name, a in inputs.items()}, state)
            # A state may be changed in place by the next frame.
            yield values | {name: np.array(value) for name, value in runner.pack(state).items()}

    return _collected(steps())


def _length(inputs: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(inputs.values())))


def _collected(steps: Iterable[Arrays]) -> Arrays:
    """The steps' arrays by name, stacked."""
    collected: dict[str, list[np.ndarray]] = {}
    for step in steps:
        for name, value in step.items():
            collected.setdefault(name, []).append(value)
    return {name: np.stack(values) for name, values in collected.items()}


def distance(wanted: np.ndarray | None, got: np.ndarray | None) -> tuple[float, float | None]:
    """PSNR of the worst frame, and the largest difference. Nothing to compare, or NaN, is the worst there is."""
    if wanted is None or got is None or wanted.shape != got.shape or not np.isfinite(got).all():
        return 0.0, None
    difference = got.astype(np.float64) - wanted
    # The range of the data, as scikit-image has it: frames and masks from 0 to 1, features as far as they go.
    peak = max(1.0, float(np.ptp(wanted)))
    worst = float(np.square(difference).reshape(len(wanted), -1).mean(axis=1).max())
    return psnr_db(worst, peak), float(np.abs(difference).max())


def _quality(restored: np.ndarray, clean: np.ndarray) -> float:
    """PSNR of the restored frames against the clean ones."""
    if not np.isfinite(restored).all():
        return 0.0
    return psnr_db(float(np.square(restored.astype(np.float64) - clean[:, None]).mean()), 1.0)


class _Emulated:
    """The package in the emulator, whose functions are read once for all sizes."""

    def __init__(self, package: Path, facts: PackageFacts) -> None:
        self._package = package
        self._models: dict[str | None, EmulatedModel] = {}
        self._runner = PackageRunner(facts, self._opened)

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> Arrays:
        return run_stream(self._runner, inputs)

    def flags(self) -> list[Flag]:
        """What half precision held badly, in any stream."""
        return [
            Flag(name or "main", flag.name, flag.type, flag.kind, flag.largest)
            for name, model in self._models.items()
            for flag in model.flags
        ]

    def _opened(self, name: str | None) -> EmulatedModel:
        self._models[name] = EmulatedModel(self._package, function_name=name)
        return self._models[name]


def on_device(package: Path, units: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
    """The stream in a process of its own, which a crash or a hang takes down alone; off a Mac in the emulator."""
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "inputs.npz", Path(folder) / "stream.npz"
        np.savez(given, **inputs)  # type: ignore[arg-type]
        command = [sys.executable, "-m", "convert.device_stream", str(package), units, str(given), str(made)]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=DEVICE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise VaderError(f"no answer within {DEVICE_SECONDS} s") from error
        if result.returncode:
            lines = result.stderr.strip().splitlines()
            raise VaderError(lines[-1] if lines else f"the process ended with code {result.returncode}")
        with np.load(made) as stream:
            return dict(stream)
