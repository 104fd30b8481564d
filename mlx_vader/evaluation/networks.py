"""Our networks as methods: blind, and with the true mask, as `clean` and `clean --mask` run them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.backends import Backend, load_backend
from mlx_vader.evaluation.method import Method, Restoration
from mlx_vader.evaluation.suites import KINDS
from mlx_vader.streaming import make_strategy
from mlx_vader.streaming.finishing import finished
from mlx_vader.streaming.user_mask import Mark, seen

#: Ends a network's name where it is given the mask.
MASKED = "with mask"


def load_networks(checkpoints: Sequence[str], backend: str = "auto") -> tuple[Method, ...]:
    """Each checkpoint blind and with the mask. Raises what `load_backend` raises."""
    methods: list[Method] = []
    for name, checkpoint in zip(_names(checkpoints), checkpoints, strict=True):
        loaded = _Network(load_backend(backend, checkpoint))
        where = f"{loaded.backend.name} on {loaded.backend.device}"
        methods.append(Method(name, frozenset(KINDS), loaded.blind, settings="clean", where=where))
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
    """The checkpoint's name, or its file's; its folder's too where two files have the same."""
    from mlx_vader import checkpoints as stored
    from mlx_vader.backends.registry import is_package

    paths = [Path(text) if is_package(text) else stored.resolve(text) for text in checkpoints]
    stems = [path.stem for path in paths]
    return [path.stem if stems.count(path.stem) == 1 else f"{path.parent.name}/{path.stem}" for path in paths]


class _Network:
    """A loaded network. Every clip is a video of its own."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def blind(self, clip: Clip, mask: Masks | None) -> Restoration:
        return self._restored(clip, [None] * len(clip))

    def masked(self, clip: Clip, mask: Masks | None) -> Restoration:
        """The network is told where the artifacts are, if it takes a hint; its work counts in the mask alone, which is
        grown and feathered a little.
        """
        assert mask is not None
        marks = [Mark.of(hole) for hole in (mask > 0.5).astype(np.float32)]
        return self._restored(clip, marks)

    def _restored(self, clip: Clip, marks: Sequence[Mark | None]) -> Restoration:
        given = [seen(frame, mark, self.backend) for frame, mark in zip(clip, marks, strict=True)]
        results = list(make_strategy("clip-recurrent").run(given, self.backend))
        masks = [result.mask for result in results if result.mask is not None]
        return Restoration(
            np.stack(list(map(finished, clip, results, marks))), np.stack(masks) if masks else None
        )
