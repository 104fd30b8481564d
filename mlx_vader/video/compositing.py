"""Puts patches of RGB into the samples of a frame, in the frame's own format."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import av
import numpy as np
from jaxtyping import Bool, Float32, Int

from mlx_vader.boxes import Box
from mlx_vader.process import Patch
from mlx_vader.video.from_rgb import Rows, encode, reach
from mlx_vader.video.layouts import Layout
from mlx_vader.video.planes import copied, samples
from mlx_vader.video.to_rgb import Coding

#: So many pixels take as long as a patch takes besides its pixels.
_WORTH = 1 << 15

_PIXEL = np.dtype("V12")

#: RGB of a box of the frame as it was.
Region = Callable[[Box], Float32[np.ndarray, "h w 3"]]


def parts_of(patch: Patch) -> list[Patch]:
    """Patches that hold all touched pixels between them and leave out where there are none."""
    if patch.touched is None:
        return [patch] if patch.box else []
    return [
        Patch(
            patch.top + rows.start,
            patch.left + columns.start,
            _pixels(patch.rgb[rows, columns]),
            patch.touched[rows, columns],
        )
        for rows in _runs(np.any(patch.touched, 1), _WORTH // max(1, patch.touched.shape[1]))
        for columns in _runs(np.any(patch.touched[rows], 0), _WORTH // (rows.stop - rows.start))
    ]


def composite(
    frame: av.VideoFrame, layout: Layout, coding: Coding, patches: Sequence[Patch], region: Region
) -> av.VideoFrame:
    """A copy of a planar frame with patches in it, in its stored orientation; of two on one pixel, the later counts.

    Luma is computed anew where a pixel is touched, chroma where one of the pixels that it covers is. All other samples
    and alpha are those of `frame`, bit for bit. What several patches make does not depend on how they share the area.
    """
    made = copied(frame)
    planes = samples(made)[: layout.colours]
    whole = Box(0, 0, frame.height, frame.width)
    edges = np.array([(*patch.box[:2], patch.box.bottom, patch.box.right) for patch in patches])
    for patch in patches:
        around = patch.box.aligned(*layout.block).grown(*reach(layout)).within(whole)
        rows = _rows(around, [patches[number] for number in _meeting(around, edges)], region)
        if patch.touched is None and patch.box == whole:
            encode(rows, (whole.height, whole.width), layout, coding, planes)
        else:
            _write(patch, rows, around, layout, coding, planes)
    return made


def _meeting(box: Box, edges: Int[np.ndarray, "n 4"]) -> Int[np.ndarray, " m"]:
    """Which boxes, given as (top, left, bottom, right), have a pixel in common with this one."""
    starts_before = (edges[:, :2] < (box.bottom, box.right)).all(axis=1)
    return np.flatnonzero(starts_before & (edges[:, 2:] > (box.top, box.left)).all(axis=1))


def _rows(around: Box, overlays: Sequence[Patch], region: Region) -> Rows:
    """What a box looks like with the patches that lie in it."""
    covering = [n for n, patch in enumerate(overlays) if patch.touched is None and patch.box == around]
    base = overlays[covering[-1]].rgb if covering else None
    overlays = overlays[covering[-1] + 1 :] if covering else overlays

    def fill(rows: slice, strip: np.ndarray) -> np.ndarray:
        if base is not None and not overlays:
            return base[rows]
        part = Box(around.top + rows.start, around.left, rows.stop - rows.start, around.width)
        if base is not None:
            np.copyto(strip, base[rows])
        elif not any(_covers(patch, part) for patch in overlays):
            np.copyto(strip, region(part))
        for patch in overlays:
            common = patch.box.within(part)
            if common:
                there, here = common.seen_from(part), common.seen_from(patch.box)
                _overlay(strip[there.rows, there.columns], patch, here)
        return strip

    return fill


def _covers(patch: Patch, part: Box) -> bool:
    """Whether every pixel of a box is touched."""
    if part.within(patch.box) != part:
        return False
    inner = part.seen_from(patch.box)
    return patch.touched is None or bool(patch.touched[inner.rows, inner.columns].all())


def _runs(occupied: Bool[np.ndarray, " n"], gap: int) -> list[slice]:
    """The stretches that hold all occupied places, apart by more than `gap` places that are not."""
    places = np.flatnonzero(occupied)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > gap)
    starts, stops = places[np.r_[0, breaks + 1]], places[np.r_[breaks, -1]] + 1
    return [slice(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True)]


def _pixels(rgb: np.ndarray) -> np.ndarray:
    """RGB as float32, the three numbers of a pixel side by side; the same array where it is so already."""
    side_by_side = rgb.dtype == np.float32 and rgb.strides[-1] == rgb.itemsize
    return rgb if side_by_side else np.ascontiguousarray(rgb, np.float32)


def _overlay(target: np.ndarray, patch: Patch, part: Box) -> None:
    """Copies the touched pixels of a part of a patch."""
    new = patch.rgb[part.rows, part.columns]
    if patch.touched is None:
        np.copyto(target, new)
    else:  # a pixel as one thing of twelve bytes: ten times as fast as three numbers
        pixels = target.view(_PIXEL)[..., 0], new.view(_PIXEL)[..., 0]
        np.copyto(*pixels, where=patch.touched[part.rows, part.columns])


def _write(
    patch: Patch, rows: Rows, around: Box, layout: Layout, coding: Coding, planes: Sequence[np.ndarray]
) -> None:
    """Puts the samples of one patch into `planes`; `rows` show the box `around` it."""
    areas = [around.reduced(*layout.halvings_of(number)) for number in range(len(planes))]
    codes = [np.empty((area.height, area.width), planes[0].dtype) for area in areas]
    encode(rows, (around.height, around.width), layout, coding, codes)
    for number, (plane, outer, values) in enumerate(zip(planes, areas, codes, strict=True)):
        halvings = layout.halvings_of(number)
        area = patch.box.reduced(*halvings)
        inner = area.seen_from(outer)
        where = True if patch.touched is None else _covering(patch.touched, patch.box, *halvings)
        np.copyto(plane[area.rows, area.columns], values[inner.rows, inner.columns], where=where)


def _covering(
    touched: Bool[np.ndarray, "h w"], box: Box, columns: int, rows: int
) -> Bool[np.ndarray, "h2 w2"]:
    """Which chroma samples cover a touched pixel; arguments as for `Box.reduced`."""
    if not (columns or rows):
        return touched
    outer = box.aligned(1 << columns, 1 << rows)
    inner = box.seen_from(outer)
    covering = np.zeros((outer.height, outer.width), bool)
    covering[inner.rows, inner.columns] = touched
    for _ in range(rows):
        covering = covering[0::2] | covering[1::2]
    for _ in range(columns):
        covering = covering[:, 0::2] | covering[:, 1::2]
    return covering
