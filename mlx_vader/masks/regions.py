"""The rectangles of a frame in which a mask has work: all else need not be looked at."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int

from mlx_vader.arrays import Mask
from mlx_vader.masks.feather import blend, feathered
from mlx_vader.process import Patch, SourceFrame

#: Pixels around a hole that its filling looks at.
MARGIN = 16
#: Holes nearer than this part of the frame share a rectangle: many small ones cost more than one large one.
NEAR = 8

Box = tuple[slice, slice]
#: `fill(frames, mask, flow)` for a crop; see `mlx_vader.inpainting.fill`.
FillCrop = Callable[[np.ndarray, np.ndarray, None], np.ndarray]


class Region(NamedTuple):
    """A rectangle with a hole in it. `touched` pixels change.

    Of those on the rim a part of what was there shows through. They are at `rim`, counted row by row, and at
    `rim_in_frame` in the frame; of what replaces them `alpha` counts, (n, 1).
    """

    box: Box
    hole: Mask
    touched: Bool[np.ndarray, "h w"]
    rim: Int[np.ndarray, " n"]
    rim_in_frame: Int[np.ndarray, " n"]
    alpha: Float32[np.ndarray, "n 1"]


class Regions:
    """The regions of masks; those of the last mask are kept, since most masks stay as they are from frame to frame."""

    def __init__(self) -> None:
        self._last: tuple[Mask | None, list[Region]] = (None, [])

    def of(self, mask: Mask) -> list[Region]:
        """Where the mask is set. The same array again costs nothing."""
        last, regions = self._last
        if last is not mask:
            regions = [_region(box, mask) for box in _boxes_around(mask[..., 0] > 0)]
            self._last = mask, regions
        return regions


def _region(box: Box, mask: Mask) -> Region:
    alpha = feathered(mask[box])[..., 0]
    on_rim = (alpha > 0) & (alpha < 1)
    y, x = np.nonzero(on_rim)
    in_frame = (y + box[0].start) * mask.shape[1] + x + box[1].start
    return Region(
        box,
        mask[box],
        alpha > 0,
        np.flatnonzero(on_rim),
        in_frame,
        np.ascontiguousarray(alpha[on_rim][:, None]),
    )


def replace_inside(
    frame: SourceFrame,
    replacement: Float32[np.ndarray, "h w 3"] | None,
    regions: Sequence[Region],
    fill: FillCrop | None,
) -> list[Patch]:
    """Patches with the replacement inside the regions' masks, after `fill` has filled the holes in it.

    Without a replacement the frame's own pixels are filled, as far from the mask as the filling counts.
    """
    patches = []
    own = frame.rgb
    for region in regions:
        rows, columns = region.box
        if replacement is None:
            given, hole = own[region.box], region.touched[..., None].astype(np.float32)
        else:
            given, hole = replacement[region.box], region.hole
        new = np.array(given, order="C") if fill is None else fill(given[None], hole[None], None)[0]
        pixels = new.reshape(-1, 3)
        old = np.take(own.reshape(-1, 3), region.rim_in_frame, axis=0)
        pixels[region.rim] = blend(old, np.take(pixels, region.rim, axis=0), region.alpha)
        patches.append(Patch(rows.start, columns.start, new, region.touched))
    return patches


def filled_holes(
    frame: Float32[np.ndarray, "h w 3"], hole: Bool[np.ndarray, "h w 1"], fill: FillCrop
) -> list[Patch]:
    """Patches with the holes of a frame filled, and with what the fill mends around them."""
    patches = []
    for box in _boxes_around(hole[..., 0]):
        old = frame[box]
        new = fill(old[None], hole[box][None].astype(np.float32), None)[0]
        patches.append(Patch(box[0].start, box[1].start, new, hole[box][..., 0] | (new != old).any(axis=-1)))
    return patches


def _boxes_around(hole: Bool[np.ndarray, "h w"]) -> Iterator[Box]:
    """Boxes around holes that lie apart, with room for what fills them; each hole pixel is in exactly one of them."""
    for rows in _runs(np.any(hole, axis=1)):
        for columns in _runs(np.any(hole[rows], axis=0)):
            yield rows, columns


def _runs(marked: Bool[np.ndarray, " n"]) -> Iterator[slice]:
    """Stretches of marked places, grown by the margin; where they are near one another they are one."""
    places = np.flatnonzero(marked)
    if not places.size:
        return
    gaps = np.flatnonzero(np.diff(places) > max(2 * MARGIN, len(marked) // NEAR))
    for first, last in zip(places[[0, *gaps + 1]], places[[*gaps, -1]], strict=True):
        yield slice(int(max(first - MARGIN, 0)), int(min(last + MARGIN + 1, len(marked))))
