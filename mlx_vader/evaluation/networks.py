"""Our networks as methods: blind, and with the true mask, as `clean` and `clean --mask` run them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.backends import Backend, load_backend
from mlx_vader.evaluation.method import Method, Restoration
from mlx_vader.evaluation.suites import KINDS
from mlx_vader.inpainting.fill import FILLS
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.process import edits_of
from mlx_vader.streaming import Restoration as NetworkProcess
from mlx_vader.streaming import make_strategy
from mlx_vader.video.in_memory import ClipInMemory

#: Ends a network's name where it is given the mask.
MASKED = "with mask"


def load_networks(checkpoints: Sequence[str], backend: str = "auto") -> tuple[Method, ...]:
    """Each checkpoint blind and with the mask. Raises what `load_backend` raises."""
    methods: list[Method] = []
    for name, checkpoint in zip(_names(checkpoints), checkpoints, strict=True):
        loaded = _Network(load_backend(backend, checkpoint))
        where = f"{loaded.backend.name} on {loaded.backend.device}"
        methods.append(
            Method(name, frozenset(KINDS), loaded.blind, settings="clean --find network", where=where)
        )
        methods.append(
            Method(
                f"{name} {MASKED}",
                frozenset({"overlay"}),
                loaded.masked,
                needs_mask=True,
                settings="clean --mask",
                where=where,
            )
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

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def blind(self, clip: Clip, mask: Masks | None) -> Restoration:
        """All that the network marks counts."""
        return self._restored(clip, None)

    def masked(self, clip: Clip, mask: Masks | None) -> Restoration:
        """The network is told where the artifacts are, if it takes a hint; its work counts in the mask alone, which is
        grown and feathered a little.
        """
        assert mask is not None
        return self._restored(clip, ArrayMasks((mask > 0.5).astype(np.float32)))

    def _restored(self, clip: Clip, masks: ArrayMasks | None) -> Restoration:
        process = NetworkProcess(
            self.backend, make_strategy("clip-recurrent"), weights="", fill=FILLS["auto"].fill, masks=masks
        )
        edits = list(edits_of(process, ClipInMemory(clip)))
        seen = [edit.mask for edit in edits if edit.mask is not None]
        frames = np.stack([edit.frame.edited(edit.patches()).rgb for edit in edits])
        return Restoration(frames, np.stack(seen) if seen else None)
