"""From stored samples (Y'CbCr, R'G'B' or grey, 8 to 16 bits, limited or full range) to RGB.

The transfer curve is carried as it is: PQ stays PQ. Code values follow ITU-T H.273, as in FFmpeg.
"""

import threading
from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from jaxtyping import Float32, UInt8

from mlx_vader.arrays import LARGE_FRAME
from mlx_vader.boxes import Box
from mlx_vader.levels import to_levels
from mlx_vader.video.color import (
    BT470BG,
    BT709,
    BT2020,
    FCC,
    FULL_RANGE,
    LIMITED_RANGE,
    SMPTE170M,
    SMPTE240M,
)
from mlx_vader.video.layouts import Layout, layout_of
from mlx_vader.video.planes import floats, relabelled, samples
from mlx_vader.video.siting import LEFT, Siting

#: The numbers by which swscale, not H.273, calls the matrices.
SWSCALE_MATRIX = {BT709: 1, FCC: 4, BT470BG: 5, SMPTE170M: 5, SMPTE240M: 7, BT2020: 9}

#: As exact as swscale can be.
EXACT = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)

#: Rows that are worked on at once, so that they stay in the processor's cache.
_ROWS = 32

#: Large frames are converted in bands of so many rows.
_BAND = 512

#: How many pixels swscale spreads a chroma sample at most, by the binary logarithm of how many it covers.
_SPREAD = (0, 8, 16)

#: So many of swscale's contexts are kept: as many as tiles of a frame have sizes.
_REMEMBERED = 24

_memory = threading.local()


@dataclass(frozen=True)
class Coding:
    """What code values mean: the matrix (one of `LUMA_WEIGHTS`), the range, and where chroma lies."""

    matrix: int
    full_range: bool
    siting: Siting = LEFT


def rgb_of(frame: av.VideoFrame, coding: Coding) -> Float32[np.ndarray, "h w 3"]:
    """RGB in [0, 1] of a planar frame, as stored: not turned upright. Fields are taken as one picture."""
    if frame.height > _BAND and frame.width * frame.height > LARGE_FRAME:
        return _in_bands(frame, coding)
    return _at_once(frame, coding)


def _at_once(frame: av.VideoFrame, coding: Coding) -> Float32[np.ndarray, "h w 3"]:
    layout = _layout(frame)
    if layout.kind != "yuv":
        return _direct(frame, layout, coding)
    planes = floats(_converted(frame, layout, coding, "gbrpf32le"))
    return _interleaved(planes, np.float32(1 / _white(layout.bits, coding.full_range)), frame)


def _in_bands(frame: av.VideoFrame, coding: Coding) -> Float32[np.ndarray, "h w 3"]:
    """The same a band at a time: on the way, swscale's planes take as much memory as the result."""
    rgb = np.empty((frame.height, frame.width, 3), np.float32)
    for top in range(0, frame.height, _BAND):
        band = Box(top, 0, min(_BAND, frame.height - top), frame.width)
        rgb[band.rows] = region_of(frame, coding, band)
    return rgb


def levels_of(frame: av.VideoFrame, coding: Coding) -> UInt8[np.ndarray, "h w 3"]:
    """8-bit RGB of a planar frame, as stored."""
    layout = _layout(frame)
    if layout.kind == "gray" or (layout.kind == "rgb" and layout.bits > 8):
        return to_levels(_direct(frame, layout, coding))
    planes = frame if layout.kind == "rgb" else _converted(frame, layout, coding, "gbrp")
    packed = _reformatter("rgb24", planes).reformat(planes, format="rgb24", threads=1)
    return packed.to_ndarray()[: frame.height, : frame.width]


def region_of(frame: av.VideoFrame, coding: Coding, box: Box) -> Float32[np.ndarray, "h w 3"]:
    """RGB of a box of a planar frame, as `rgb_of` gives it; the work grows with the box, not with the frame."""
    layout = _layout(frame)
    columns, rows = (_SPREAD[halvings] for halvings in layout.halvings)
    whole = Box(0, 0, frame.height, frame.width)
    around = box.grown(columns, rows).aligned(*layout.block).within(whole)
    if (
        around.width < 2 * columns or around.height < 2 * rows
    ):  # swscale has shorter filters for small pictures
        around = around.grown(2 * columns, 2 * rows).within(whole)
    part = av.VideoFrame(around.width, around.height, frame.format.name)
    for number, (before, after) in enumerate(zip(samples(frame), samples(part), strict=True)):
        taken = around.reduced(*layout.halvings_of(number))
        np.copyto(after, before[taken.rows, taken.columns])
    inner = box.seen_from(around)
    return _at_once(part, coding)[inner.rows, inner.columns]


def _layout(frame: av.VideoFrame) -> Layout:
    layout = layout_of(frame.format.name)
    if layout is None:
        raise ValueError(f"{frame.format.name} is not planar")
    return layout


def _converted(frame: av.VideoFrame, layout: Layout, coding: Coding, pix_fmt: str) -> av.VideoFrame:
    """By swscale. The result may have a column and a row more than the frame."""
    whole = relabelled(_even(frame, layout), "prog", coding.siting.name)
    matrix = SWSCALE_MATRIX[coding.matrix]
    return _reformatter(pix_fmt, whole).reformat(
        whole,
        format=pix_fmt,
        src_colorspace=matrix,
        dst_colorspace=matrix,
        src_color_range=FULL_RANGE if coding.full_range else LIMITED_RANGE,
        dst_color_range=FULL_RANGE,
        interpolation=EXACT,
        threads=1,
    )


def _even(frame: av.VideoFrame, layout: Layout) -> av.VideoFrame:
    """A frame with whole chroma samples only: of odd sizes, swscale would stretch chroma."""
    columns, rows = layout.block
    width, height = -(-frame.width // columns) * columns, -(-frame.height // rows) * rows
    if (width, height) == (frame.width, frame.height):
        return frame
    whole = av.VideoFrame(width, height, frame.format.name)
    for before, after in zip(samples(frame), samples(whole), strict=True):
        after[: before.shape[0], : before.shape[1]] = before
        after[: before.shape[0], before.shape[1] :] = before[:, -1:]
        after[before.shape[0] :] = after[before.shape[0] - 1]
    return whole


def _reformatter(pix_fmt: str, frame: av.VideoFrame) -> VideoReformatter:
    """Swscale's context for one kind of result and one size: it takes long to make. A thread has its own."""
    known = _memory.__dict__.setdefault("reformatters", {})
    key = pix_fmt, frame.width, frame.height
    if key not in known:
        if len(known) >= _REMEMBERED:
            known.pop(next(iter(known)))
        known[key] = VideoReformatter()
    return known[key]


def _white(bits: int, full_range: bool) -> float:
    """What swscale makes of white: it shifts code values up to 16 bits instead of scaling them."""
    if not full_range:
        bits = 8
    return (((1 << bits) - 1) << (16 - bits)) / 65535


def _interleaved(
    planes: list[np.ndarray], scale: np.float32, frame: av.VideoFrame
) -> Float32[np.ndarray, "h w 3"]:
    """Planes G, B, R, without negative values, times `scale`, as RGB of the frame's size and at most 1."""
    green, blue, red = (plane[: frame.height, : frame.width] for plane in planes)
    rgb = np.empty((frame.height, frame.width, 3), np.float32)
    for top in range(0, frame.height, _ROWS):
        rows = slice(top, top + _ROWS)
        np.multiply(cv2.merge((red[rows], green[rows], blue[rows])), scale, out=rgb[rows])
        np.minimum(rgb[rows], 1, out=rgb[rows])
    return rgb


def _direct(frame: av.VideoFrame, layout: Layout, coding: Coding) -> Float32[np.ndarray, "h w 3"]:
    """RGB and grey: exact, where swscale would go through Y'CbCr on its way to floats."""
    planes = samples(frame)
    if layout.kind == "rgb":
        return _interleaved(planes[:3], np.float32(1 / layout.top), frame)
    unit = 1 << (layout.bits - 8)
    black, white = (0, layout.top) if coding.full_range else (16 * unit, 235 * unit)
    grey = (planes[0].astype(np.float32) - black) * np.float32(1 / (white - black))
    return np.repeat(np.clip(grey, 0, 1, out=grey)[..., None], 3, axis=-1)
