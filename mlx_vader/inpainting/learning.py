"""Learning a mark: its opacity and colours are measured in one video, or in several that show it at the same place.

Several videos are taken as one: the more backgrounds a mark has, the better it is told from them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mlx_vader.arrays import Mask
from mlx_vader.boxes import Box
from mlx_vader.errors import VaderError
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.inpainting.measuring import LEAST_FRAMES, MOST_FRAMES, Place, measure, places_of
from mlx_vader.inpainting.unblend.yuv import rgb_of
from mlx_vader.masks.mark_files import KnownMark
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Finding, Packed, Video

#: Of the videos' masks this share must hold a pixel for it to belong to the mark.
_SHARED = 0.5
#: Pixels of less opacity are not covered.
_LEAST_OPACITY = 0.01


def learn_mark(videos: Sequence[Video], masks: Sequence[MaskSource], name: str = "") -> KnownMark:
    """The mark that the masks show, one source for each video; their first passes are over.

    Raises VaderError where the videos differ in size, no mask shows anything, or nothing moves behind the mark.
    """
    sizes = {(video.height, video.width) for video in videos}
    if len(sizes) > 1:
        told = " and ".join(f"{width}x{height}" for height, width in sorted(sizes)[:2])
        raise VaderError(f"the videos differ in size: {told}", hint="learn a mark from videos of one size")
    share = max(LEAST_FRAMES, MOST_FRAMES // len(videos))
    chosen = [np.unique(np.linspace(0, video.frames - 1, share).astype(int)) for video in videos]
    starts = np.cumsum([0, *(video.frames for video in videos)])
    numbers = [int(start + index) for start, some in zip(starts[:-1], chosen, strict=True) for index in some]
    joined = _JoinedMasks(masks, [some.tolist() for some in chosen], starts)
    if not joined.common.any():
        raise VaderError("no mark was found to learn from", hint="show where it is with a mask or a box")
    kept: Packed = {}
    fills = [find_fill("membrane").fill]
    drawn = all(source.finding.status == "told" for source in masks)
    for step in measure(_JoinedVideo(videos, starts), joined, numbers, {}, fills, whole=drawn):
        kept = step
    height, width = videos[0].height, videos[0].width
    return _known(places_of(kept), height, width, name)


def _known(places: Sequence[Place], height: int, width: int, name: str) -> KnownMark:
    """All that was measured, as one mark."""
    alpha, colour = np.zeros((height, width), np.float32), np.zeros((height, width, 3), np.float32)
    for place in places:
        if place.mark is None:
            continue
        mark, crop = place.mark, (place.box.rows, place.box.columns)
        sure = mark.pixels_of(
            np.array([part.unblends or (part.measured and part.opaque) for part in mark.parts])
        )
        ours = sure[mark.region]
        alpha[crop][sure] = mark.alpha[ours, 0]
        colour[crop][sure] = np.clip(rgb_of(mark.colour[ours]) / np.float32(255), 0, 1)
    covered = alpha > _LEAST_OPACITY
    if not covered.any():
        raise VaderError(
            "nothing moves behind the mark, so its opacity does not show",
            hint="give videos in which the scene changes there, or several at once",
        )
    box = Box.around(covered)
    ours = (box.rows, box.columns)
    return KnownMark(name, np.where(covered, alpha, 0)[ours], colour[ours], box, (height, width))


class _JoinedVideo:
    """Videos of one size, one after the other; `starts`: their first frames, and where the last ends."""

    fields, top_first, quantiser = False, True, None

    def __init__(self, videos: Sequence[Video], starts: np.ndarray) -> None:
        self.height, self.width, self.frames = videos[0].height, videos[0].width, int(starts[-1])
        self._videos, self._starts = videos, starts.tolist()

    def read(self, start: int, stop: int) -> Iterator[Any]:
        for video, first in zip(self._videos, self._starts, strict=False):
            if start < first + video.frames and stop > first:
                yield from video.read(max(start - first, 0), min(stop - first, video.frames))


class _JoinedMasks:
    """What the masks of several videos have in common, in the frames in which they show it."""

    finding = Finding("told")

    def __init__(
        self, sources: Sequence[MaskSource], chosen: Sequence[Sequence[int]], starts: np.ndarray
    ) -> None:
        self._sources, self._starts = sources, starts
        each = [_usual_mask(source, numbers) for source, numbers in zip(sources, chosen, strict=True)]
        showing = [mask for mask in each if mask.any()] or each
        self.common: Mask = (np.mean(showing, axis=0) >= _SHARED).astype(np.float32)

    def identity(self) -> dict[str, Any]:
        return {}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        return iter(())

    def masks(self, start: int) -> Iterator[Mask]:
        number = int(np.searchsorted(self._starts, start, side="right")) - 1
        covered = self.common > 0
        for mask in self._sources[number].masks(start - int(self._starts[number])):
            there = mask[covered].mean() >= _SHARED
            yield self.common if there else np.zeros_like(self.common)


def _usual_mask(source: MaskSource, numbers: Sequence[int]) -> Mask:
    """What is masked in most of the frames in which anything is."""
    masks = [next(source.masks(number)) for number in numbers]
    showing = [mask for mask in masks if mask.any()] or masks[:1]
    return (np.mean(showing, axis=0) >= _SHARED).astype(np.float32)
