"""Restoration by a network as a process: where its work counts, and what fills the holes."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from mlx_vader.arrays import Mask
from mlx_vader.backends.base import Backend
from mlx_vader.boxes import Box
from mlx_vader.masks import CLEAN, hint_of
from mlx_vader.masks.regions import FillCrop, Regions, filled_holes, replace_inside
from mlx_vader.masks.source import MaskSource
from mlx_vader.pieces import Pieces
from mlx_vader.process import Chunk, Edit, Finding, Packed, Patch, SourceFrame, Video
from mlx_vader.streaming.results import Input, Pixels, Result, pack, unpack
from mlx_vader.streaming.strategies import Strategy, as_settings
from mlx_vader.streaming.tiling import tiled

#: A network's own mask above this is a hole. On held-out photographs a membrane helps more from here on than from ½.
HOLE_PROBABILITY = 0.3


class Restoration:
    """A network over a video.

    With `masks` its work counts inside them alone, and it is told of them, if it takes a hint. Without, all that it
    changes counts; `marks` says whether it is to look for marks itself (their places are then filled as told by `fill`)
    or to be told that there are none. `weights` is the identity of the network's weights, `fill_name` that of the fill.
    """

    def __init__(
        self,
        backend: Backend,
        strategy: Strategy,
        *,
        weights: str,
        fill: FillCrop,
        fill_name: str = "",
        masks: MaskSource | None = None,
        marks: bool = True,
    ) -> None:
        self.backend, self.strategy, self.weights = tiled(backend), strategy, weights
        self.fill_name = fill_name
        self._fill, self._masks, self._marks = fill, masks, marks
        self._takes_hint = backend.interface.input("hint") is not None
        self._regions = Regions()

    @property
    def finding(self) -> Finding:
        """What the masks' first pass found; the network paints over all of it."""
        return self._masks.finding.treated("network") if self._masks else Finding()

    def identity(self) -> dict[str, Any]:
        """Weights, backend, strategy, fill and masks."""
        masks = self._masks.identity() if self._masks else {"mask": ""}
        settings: dict[str, Any] = {"checkpoint": self.weights, "backend": self.backend.name}
        settings |= {"marks": self._marks, "fill": self.fill_name}
        return {**settings, **as_settings(self.strategy), **masks}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The masks' first pass."""
        return self._masks.analyse(video, kept) if self._masks else iter(())

    def chunks(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        """See `Process`."""
        start = unpack(carry, self.backend)
        for chunk in self.strategy.chunks(self._inputs(frames, start.position), self.backend, start):
            yield Chunk(
                [self._edit(result) for result in chunk.results], partial(pack, chunk.carry, self.backend)
            )
            del chunk  # its frames may be large

    def _inputs(self, frames: Iterable[SourceFrame], position: int) -> Iterator[Input]:
        masks = self._masks.masks(position) if self._masks else None
        for frame in frames:
            mask = next(masks) if masks else None
            pixels = self._pixels(frame, mask)
            frame.forget()  # who needs them still has the pixels
            shown = pixels if mask is not None else None
            yield Input(pixels, self._hint(frame, mask), (frame, mask, shown))

    def _pixels(self, frame: SourceFrame, mask: Mask | None) -> Pixels:
        """What the network sees. Where it only paints inside a mask, levels are as good where the frame has no more."""
        if self.backend.cuts(frame.height, frame.width):
            return Pieces((frame.height, frame.width, 3), frame.region)
        if self.backend.takes_levels or (mask is not None and frame.bits <= 8):
            return frame.levels
        return frame.rgb

    def _hint(self, frame: SourceFrame, mask: Mask | None) -> np.ndarray | Pieces | None:
        if not self._takes_hint or (mask is None and self._marks):
            return None

        def cut(box: Box) -> np.ndarray:
            if mask is None:
                return np.full((box.height, box.width, 1), CLEAN, np.float32)
            return hint_of(mask[box.rows, box.columns])

        hint = Pieces((frame.height, frame.width, 1), cut)
        return hint if self.backend.cuts(frame.height, frame.width) else np.asarray(hint)

    def _edit(self, result: Result) -> Edit:
        frame, mask, shown = result.source
        if mask is None:
            shown = result.mask if self._marks else None
            return Edit(frame, partial(self._everywhere, result), shown, result.finite)
        return Edit(frame, partial(self._inside, frame, result, mask, shown), mask, result.finite)

    def _everywhere(self, result: Result) -> Sequence[Patch]:
        patches = [Patch(0, 0, result.frame)]
        if self._marks and result.mask is not None and result.finite:
            patches += filled_holes(
                lambda box: result.frame[box.rows, box.columns],
                result.mask > HOLE_PROBABILITY,
                self._fill,
            )
        return patches

    def _inside(self, frame: SourceFrame, result: Result, mask: Mask, shown: Pixels) -> Sequence[Patch]:
        fill = self._fill if result.finite else None
        return replace_inside(frame, result.frame, self._regions.of(mask), fill, shown)
