"""Puts patches of RGB into the samples of a frame, in the frame's own format."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import av
import numpy as np
from jaxtyping import Bool, Float32

from mlx_vader.boxes import Box
from mlx_vader.process import Patch
from mlx_vader.video.from_rgb import encode, reach
from mlx_vader.video.layouts import Layout
from mlx_vader.video.planes import copied, samples
from mlx_vader.video.to_rgb import Coding

#: RGB of a box of the frame as it was.
Region = Callable[[Box], Float32[np.ndarray, "h w 3"]]


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
    for patch in patches:
        around = patch.box.aligned(*layout.block).grown(*reach(layout)).within(whole)
        canvas = _canvas(around, patches, region)
        if patch.touched is None and patch.box == whole:
            encode(canvas, layout, coding, planes)
        else:
            _write(patch, canvas, around, layout, coding, planes)
    return made


def _canvas(around: Box, patches: Sequence[Patch], region: Region) -> Float32[np.ndarray, "h w 3"]:
    """What the box looks like with all patches in it."""
    base = next((patch for patch in reversed(patches) if patch.touched is None and patch.box == around), None)
    later = patches if base is None else patches[[patch is base for patch in patches].index(True) + 1 :]
    overlays = [patch for patch in later if patch.box.within(around)]
    if base is not None and not overlays:
        return base.rgb
    canvas = np.array(region(around) if base is None else base.rgb)
    for patch in overlays:
        common = patch.box.within(around)
        there, here = common.seen_from(around), common.seen_from(patch.box)
        where = True if patch.touched is None else patch.touched[here.rows, here.columns, None]
        np.copyto(canvas[there.rows, there.columns], patch.rgb[here.rows, here.columns], where=where)
    return canvas


def _write(
    patch: Patch,
    canvas: Float32[np.ndarray, "h w 3"],
    around: Box,
    layout: Layout,
    coding: Coding,
    planes: Sequence[np.ndarray],
) -> None:
    """Puts the samples of one patch into `planes`; `canvas` shows the box `around` it."""
    areas = [around.reduced(*layout.halvings_of(number)) for number in range(len(planes))]
    codes = [np.empty((area.height, area.width), planes[0].dtype) for area in areas]
    encode(canvas, layout, coding, codes)
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
