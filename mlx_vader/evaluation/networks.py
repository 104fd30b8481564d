"""Our methods: networks as `clean` runs them, and the fill that needs none."""

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.case import HOLES, KINDS
from mlx_vader.evaluation.method import Method, Restoration, filled_by, filling
from mlx_vader.inpainting.fill import FILLS
from mlx_vader.inpainting.propagating import Propagating
from mlx_vader.inpainting.unblending import Unblending
from mlx_vader.jobs.composition import Cleaning
from mlx_vader.jobs.inpaint_options import FILLS_ALONE
from mlx_vader.jobs.options import CleanOptions
from mlx_vader.jobs.plan import Task
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.masks.static.source import FEWEST
from mlx_vader.process import Process, edits_of
from mlx_vader.streaming import Restoration as NetworkProcess
from mlx_vader.streaming import make_strategy
from mlx_vader.video.in_memory import ClipInMemory

#: Ends a network's name where it is given the mask.
MASKED = "with mask"
#: Why what `clean` does without options is left out where clips are short.
TOO_SHORT = f"fewer than {FEWEST} frames show no mark that stands still: --frames {FEWEST}"
#: Clips have no files.
_TASK = Task(Path("clip"), Path("restored"))


def _unblend(clip: Clip, mask: Masks | None) -> Restoration:
    assert mask is not None
    return _through(Unblending(ArrayMasks(mask)), clip)


def _typed(clip: Clip, mask: Masks | None) -> Restoration:
    return _as_typed().restore(clip, mask)


def _propagate(clip: Clip, mask: Masks) -> Clip:
    return _through(Propagating(ArrayMasks(mask), FILLS_ALONE), clip).frames


@cache
def _as_typed() -> "_Network":
    return _Network(CleanOptions())


#: What is said of methods that ask no network for pixels.
_OVERLAYS_ON_CPU = partial(Method, kinds=frozenset({"overlay"}), where="CPU")


#: What fills a mask without a network.
MEMBRANE = filling(
    "membrane", partial(filled_by, "membrane"), settings="clean --mask --fill membrane", where="CPU"
)
#: What fetches what a mask hides from other frames.
INPAINT = filling("inpaint", _propagate, settings="inpaint --mask --grow 0", where="CPU")
#: What subtracts marks or fills them, whichever the clip shows to be better.
WITH_MASK = _OVERLAYS_ON_CPU("with mask", restore=_unblend, needs_mask=True, settings="clean --mask")
#: The same for marks that it finds itself.
TYPED = _OVERLAYS_ON_CPU("as typed", restore=_typed, settings="clean")


def load_networks(checkpoints: Sequence[str], backend: str = "auto") -> tuple[Method, ...]:
    """Each checkpoint as `clean` runs it: with `--find network`, and painting under a mask.

    Raises what `load_backend` raises.
    """
    methods: list[Method] = []
    for name, checkpoint in zip(_names(checkpoints), checkpoints, strict=True):
        blind = _Network(CleanOptions(checkpoint=checkpoint, backend=backend, find="network"))
        methods += (
            Method(
                name,
                frozenset(KINDS).difference(HOLES),
                blind.restore,
                settings="clean --find network",
                where=blind.where,
            ),
            Method(
                f"{name} {MASKED}",
                frozenset({"overlay"}),
                blind.restore_inside,
                needs_mask=True,
                settings="clean --mask --fill mixed",
                where=blind.where,
            ),
        )
    return tuple(methods)


def _names(checkpoints: Sequence[str]) -> list[str]:
    """What each is called; by folder and file where two would be called the same."""
    from mlx_vader import checkpoints as stored
    from mlx_vader.backends.registry import is_package

    paths = [Path(text) if is_package(text) else stored.resolve(text) for text in checkpoints]
    labels = [stored.label(path) for path in paths]
    return [
        label if labels.count(label) == 1 else f"{path.parent.name}/{path.stem}"
        for label, path in zip(labels, paths, strict=True)
    ]


class _Network:
    """A loaded network. Every clip is a video of its own."""

    def __init__(self, options: CleanOptions) -> None:
        self._cleaning = Cleaning(options)
        self.where = f"{self._cleaning.backend_name} on {self._cleaning.device}"

    def restore(self, clip: Clip, mask: Masks | None) -> Restoration:
        """As the options say."""
        return _through(self._cleaning.process_for(_TASK), clip)

    def restore_inside(self, clip: Clip, mask: Masks | None) -> Restoration:
        """The network is told where the artifacts are, if it takes a hint; its work counts in the mask alone, which is
        grown and feathered a little.
        """
        assert mask is not None
        process = NetworkProcess(
            self._cleaning.backend,
            make_strategy("clip-recurrent"),
            weights="",
            fill=FILLS["mixed"].fill,
            masks=ArrayMasks(mask),
        )
        return _through(process, clip)


def _through(process: Process, clip: Clip) -> Restoration:
    edits = list(edits_of(process, ClipInMemory(clip)))
    seen = [edit.mask for edit in edits if edit.mask is not None]
    if process.finding.changes_nothing:
        seen = [np.zeros((*clip.shape[1:3], 1), np.float32)] * len(clip)
    frames = np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits])
    return Restoration(frames, np.stack(seen) if seen else None)
