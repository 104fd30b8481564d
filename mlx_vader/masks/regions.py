"""The rectangles of a frame in which a mask has work: all else need not be looked at."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Shaped
from scipy import ndimage

from mlx_vader.arrays import LARGE_FRAME, Frame, Mask
from mlx_vader.boxes import Box
from mlx_vader.levels import to_unit
from mlx_vader.masks.feather import blend, feathered
from mlx_vader.pieces import Pieces
from mlx_vader.process import Patch, SourceFrame

#: Pixels around a hole that its filling looks at.
MARGIN = 16
#: Holes nearer than this part of the frame share a rectangle: many small ones cost more than one large one.
NEAR = 8

#: In large frames, holes in cells of so many pixels that do not meet are apart: by two margins at least.
CELL = 2 * MARGIN

Slices = tuple[slice, slice]
#: `fill(frames, mask, flow)` for a crop; see `mlx_vader.inpainting.fill`.
FillCrop = Callable[[np.ndarray, np.ndarray, None], np.ndarray]


class Region(NamedTuple):
    """A rectangle with a hole in it. `touched` pixels change.

    Of those on the rim a part of what was there shows through. They are at `rim`, counted row by row; of what replaces
    them `alpha` counts, (n, 1).
    """

    box: Slices
    hole: Mask
    touched: Bool[np.ndarray, "h w"]
    rim: Int[np.ndarray, " n"]
    alpha: Float32[np.ndarray, "n 1"]


class Regions:
    """The regions of masks; those of the last mask are kept, since most masks stay as they are from frame to frame."""

    def __init__(self) -> None:
        self._last: tuple[Mask | None, list[Region]] = (None, [])

    def of(self, mask: Mask) -> list[Region]:
        """Where the mask is set. The same array again costs nothing."""
        last, regions = self._last
        if last is not mask:
            regions = [_region(place, mask[place.box]) for place in _places(mask[..., 0] > 0)]
            self._last = mask, regions
        return regions


def _region(place: "_Place", mask: Mask) -> Region:
    alpha = feathered(place.only(mask))[..., 0]
    on_rim = (alpha > 0) & (alpha < 1)
    return Region(
        place.box, mask, alpha > 0, np.flatnonzero(on_rim), np.ascontiguousarray(alpha[on_rim][:, None])
    )


def replace_inside(
    frame: SourceFrame,
    replacement: Float[np.ndarray, "h w 3"] | None,
    regions: Sequence[Region],
    fill: FillCrop | None,
    shown: Shaped[np.ndarray, "h w 3"] | Pieces | None = None,
) -> list[Patch]:
    """Patches with the replacement inside the regions' masks, after `fill` has filled the holes in it.

    Without a replacement the frame's own pixels are filled, as far from the mask as the filling counts. `shown`: the
    frame's pixels or levels, where they are at hand.
    """
    patches = []
    for region in regions:
        rows, columns = region.box
        if shown is None:
            own = frame.region(Box(rows.start, columns.start, *region.touched.shape))
        else:
            own = _unit(shown[None][:, rows, columns][0])
        if replacement is None:
            given, hole = own, np.maximum(region.hole, region.touched[..., None])
        else:
            given, hole = replacement[region.box], region.hole
        new = np.array(given, np.float32, order="C") if fill is None else _filled(given, hole, fill)
        pixels = new.reshape(-1, 3)
        old = np.take(own.reshape(-1, 3), region.rim, axis=0)
        pixels[region.rim] = blend(old, np.take(pixels, region.rim, axis=0), region.alpha)
        patches.append(Patch(rows.start, columns.start, new, region.touched))
    return patches


def _unit(pixels: Shaped[np.ndarray, "h w 3"]) -> Frame:
    return to_unit(pixels) if pixels.dtype == np.uint8 else pixels


def filled_holes(
    region: Callable[[Box], Float[np.ndarray, "rows columns 3"]],
    hole: Bool[np.ndarray, "h w 1"],
    fill: FillCrop,
) -> list[Patch]:
    """Patches with the holes of a frame filled, and with what the fill mends around them.

    `region` gives the frame's colours in a box.
    """
    patches = []
    for place in _places(hole[..., 0]):
        rows, columns = place.box
        here = hole[place.box]
        old = region(Box(rows.start, columns.start, *here.shape[:2]))
        new = _filled(old, here.astype(np.float32), fill)
        touched = here | (new != old).any(axis=-1, keepdims=True)
        patches.append(Patch(rows.start, columns.start, new, place.only(touched)[..., 0]))
    return patches


def _filled(crop: Float[np.ndarray, "h w 3"], hole: Mask, fill: FillCrop) -> Frame:
    return fill(crop[None].astype(np.float32, copy=False), hole[None], None)[0]


class _Place(NamedTuple):
    """A box around holes, with room for what fills them. Of those in it the ones in `own` cells belong to it.

    None: all of them do.
    """

    box: Slices
    own: Bool[np.ndarray, "rows columns"] | None = None

    def only(self, hole: Shaped[np.ndarray, "h w 1"]) -> Shaped[np.ndarray, "h w 1"]:
        """Its own part of a crop at the box."""
        if self.own is None:
            return hole
        rows, columns = (np.arange(side.start, side.stop) // CELL for side in self.box)
        return hole * self.own[rows - rows[0]][:, columns - columns[0], None]


def _places(hole: Bool[np.ndarray, "h w"]) -> Iterator[_Place]:
    """Places that lie apart; each hole pixel belongs to exactly one of them."""
    if hole.size > LARGE_FRAME:
        yield from _scattered(hole)
        return
    for rows in _runs(np.any(hole, axis=1)):
        for columns in _runs(np.any(hole[rows], axis=0)):
            yield _Place((rows, columns))


def _scattered(hole: Bool[np.ndarray, "h w"]) -> Iterator[_Place]:
    """The same for large frames: a box around each group of cells with holes, so that no box is larger than it must."""
    height, width = hole.shape
    cells = np.logical_or.reduceat(hole, range(0, height, CELL), axis=0)
    cells = np.logical_or.reduceat(cells, range(0, width, CELL), axis=1)
    labels, _ = ndimage.label(cells, structure=np.ones((3, 3)))
    for label, group in enumerate(ndimage.find_objects(labels), start=1):
        rows, columns = (
            slice(max(side.start * CELL - MARGIN, 0), min(side.stop * CELL + MARGIN, length))
            for side, length in zip(group, hole.shape, strict=True)
        )
        seen = (slice(side.start // CELL, -(-side.stop // CELL)) for side in (rows, columns))
        yield _Place((rows, columns), labels[tuple(seen)] == label)


def _runs(marked: Bool[np.ndarray, " n"]) -> Iterator[slice]:
    """Stretches of marked places, grown by the margin; where they are near one another they are one."""
    places = np.flatnonzero(marked)
    if not places.size:
        return
    gaps = np.flatnonzero(np.diff(places) > max(2 * MARGIN, len(marked) // NEAR))
    for first, last in zip(places[[0, *gaps + 1]], places[[*gaps, -1]], strict=True):
        yield slice(int(max(first - MARGIN, 0)), int(min(last + MARGIN + 1, len(marked))))
