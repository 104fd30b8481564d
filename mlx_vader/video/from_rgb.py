"""From RGB to stored samples: exact to the rounding, in one pass over strips that stay in the processor's cache."""

import math
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import av
import numpy as np
from jaxtyping import Float

from mlx_vader.video.color import LUMA_WEIGHTS
from mlx_vader.video.layouts import Layout, layout_of, planar_name, rearranged
from mlx_vader.video.planes import samples
from mlx_vader.video.siting import LEFT, Siting
from mlx_vader.video.to_rgb import Coding

#: How many pixels are worked on at once, about: they stay in the processor's cache.
_PIXELS = 1 << 17

#: How many pixels beside a chroma sample count for it, by the binary logarithm of the columns (or rows) it covers.
_REACH = (0, 4, 12)


_memory = threading.local()


def reach(layout: Layout) -> tuple[int, int]:
    """How many columns and rows of RGB beside a block of luma its chroma sample is computed from, at most.

    Both are whole blocks.
    """
    return _REACH[layout.halvings[0]], _REACH[layout.halvings[1]]


#: Some rows of a picture, RGB. They may lie in the array that is offered, or anywhere else.
Rows = Callable[[slice, np.ndarray], np.ndarray]


def encode(
    rows: Rows,
    size: tuple[int, int],
    layout: Layout,
    coding: Coding,
    planes: Sequence[np.ndarray],
) -> None:
    """Fills the colour planes of `layout` with the codes of a picture of (height, width), clipped to [0, 1].

    Beyond its edges, the picture is taken to go on as it ends. What chroma is made of is the counterpart of what
    swscale's bicubic filter makes of it: there and back again changes next to nothing.
    """
    height, width = size
    beside = reach(layout)[1]
    step = max(16, _PIXELS // width // 4 * 4)  # whole blocks
    for top in range(0, height, step):
        bottom = min(top + step, height)
        first, last = max(0, top - beside), min(height, bottom + beside)
        strip = _clipped(rows(slice(first, last), _scratch("strip", (last - first, width, 3))))
        if layout.kind == "rgb":
            for plane, channel in zip(planes, (1, 2, 0), strict=False):
                values = _scratch("luma", strip.shape[:2])
                np.multiply(strip[..., channel], np.float32(layout.top), out=values)
                _quantise(values, 0, layout.top, plane[top:bottom])
        else:
            _encode_rows(strip, first, top, bottom, layout, coding, planes)


def _clipped(strip: np.ndarray) -> np.ndarray:
    """The strip itself where it lies in [0, 1]: to look costs half as much as to clip."""
    if strip.dtype == np.float32 and strip.min() >= 0 and strip.max() <= 1:
        return strip
    return np.clip(strip, 0, 1, out=_scratch("clipped", strip.shape))


def _encode_rows(
    strip: np.ndarray,
    first: int,
    top: int,
    bottom: int,
    layout: Layout,
    coding: Coding,
    planes: Sequence[np.ndarray],
) -> None:
    """Fills rows `top` to `bottom` of luma, and those of chroma that belong to them; `top` begins a block.

    `strip` holds these rows and some around them, from row `first` on.
    """
    luma_offset, chroma_offset, matrix = _equations(layout, coding)
    inner = strip[top - first : bottom - first]
    luma = np.matmul(inner, matrix[0], out=_scratch("luma", inner.shape[:2]))
    _quantise(luma, luma_offset, layout.top, planes[0][top:bottom])
    if layout.kind == "gray":
        return
    start, rows = (top - first) >> layout.halvings[1], -(-(bottom - top) >> layout.halvings[1])
    for plane, weights in zip(planes[1:3], matrix[1:], strict=True):
        chroma, bordered = _bordered(0, *strip.shape[:2])
        np.matmul(strip, weights, out=chroma)
        for step, (axis, on_first) in enumerate(_halvings(layout, coding.siting), 1):
            chroma, bordered = _halved(chroma, bordered, axis, step, on_first=on_first)
        # A field of an odd number of rows may have a row of chroma less than a picture of its size.
        target = plane[top >> layout.halvings[1] :][:rows]
        _quantise(chroma[start : start + len(target)], chroma_offset, layout.top, target)


@lru_cache
def _equations(layout: Layout, coding: Coding) -> tuple[int, int, np.ndarray]:
    """Offsets of luma and of chroma, and the rows that make Y, Cb and Cr of R, G and B: H.273, section 8.3.

    Those of chroma are less by the gains of the filters to come.
    """
    red, blue = LUMA_WEIGHTS[coding.matrix]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 - 2 * blue)
    cr = (np.array([1, 0, 0]) - luma) / (2 - 2 * red)
    unit = 1 << (layout.bits - 8)
    luma_scale, luma_offset, chroma_scale = (
        (layout.top, 0, layout.top)
        if coding.full_range
        else (
            219 * unit,
            16 * unit,
            224 * unit,
        )
    )
    gain = math.prod(_GAIN[on_first] for _, on_first in _halvings(layout, coding.siting))
    matrix = np.stack([luma * luma_scale, cb * chroma_scale / gain, cr * chroma_scale / gain])
    return luma_offset, 128 * unit, matrix.astype(np.float32)


def _quantise(values: np.ndarray, offset: int, top: int, codes: np.ndarray) -> None:
    """Writes the nearest codes of `values`, which it spoils."""
    values += np.float32(offset + 0.5)
    np.clip(values, 0, top, out=values)
    np.copyto(codes, values, casting="unsafe")


def _halvings(layout: Layout, siting: Siting) -> list[tuple[int, bool]]:
    """The axes along which chroma is halved, rows before columns, and whether it lies on the first of two."""
    columns, rows = layout.halvings
    return [(0, siting.on_row)] * rows + [(1, siting.on_column)] * columns


#: The sums of the filters in `_halved`, by whether samples lie on the first of two pixels or between them.
_GAIN = {True: 32, False: 16}

#: How many samples are repeated before and after the edges.
_BEFORE, _AFTER = 3, 5


def _halved(
    plane: np.ndarray, bordered: np.ndarray, axis: int, step: int, *, on_first: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Half the rows or columns, `_GAIN` times as large, and the array that it lies in, with room at its edges.

    Between two samples, (-1, 9, 9, -1) / 16 keeps what upsampling made of them; on the first of two, the half-band
    filter (-1, 0, 9, 16, 9, 0, -1) / 32 does.
    """
    count = (plane.shape[axis] + 1) // 2
    _repeat_edges(bordered, axis, plane.shape[axis])
    shape = (count, plane.shape[1]) if axis == 0 else (plane.shape[0], count)
    tap = _every_other_row(bordered, shape) if axis == 0 else _every_other_column(bordered, shape)
    half, half_bordered = _bordered(step, *shape)
    near, far = ((-1, 1), (-3, 3)) if on_first else ((0, 1), (-1, 2))
    np.add(tap(near[0]), tap(near[1]), out=half)
    half *= np.float32(9)
    if on_first:
        half += np.multiply(tap(0), np.float32(16), out=_scratch("middle", shape))
    half -= tap(far[0])
    half -= tap(far[1])
    return half, half_bordered


#: From an offset of -3 to 3 to every other row or column from there on.
_Tap = Callable[[int], np.ndarray]


def _every_other_row(bordered: np.ndarray, shape: tuple[int, int]) -> _Tap:
    columns = slice(_BEFORE, _BEFORE + shape[1])
    return lambda offset: bordered[_BEFORE + offset :: 2, columns][: shape[0]]


def _every_other_column(bordered: np.ndarray, shape: tuple[int, int]) -> _Tap:
    """Copies the even and the odd columns apart first: filters run faster on neighbours."""
    rows = slice(_BEFORE, _BEFORE + shape[0])
    apart = _scratch("apart", (2, shape[0], shape[1] + _BEFORE))
    for parity in (0, 1):
        apart[parity] = bordered[rows, parity::2][:, : apart.shape[2]]
    return lambda offset: apart[(_BEFORE + offset) % 2, :, (_BEFORE + offset) // 2 :][:, : shape[1]]


def _repeat_edges(bordered: np.ndarray, axis: int, length: int) -> None:
    """Fills the room beside `length` rows or columns with the first and the last of them."""
    lines = bordered if axis == 0 else bordered.T
    lines[:_BEFORE] = lines[_BEFORE]
    lines[_BEFORE + length :] = lines[_BEFORE + length - 1]


def _bordered(step: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """An array for one step of halving, and the one around it, with room at its edges."""
    around = _scratch(f"chroma {step}", (height + _BEFORE + _AFTER, width + _BEFORE + _AFTER))
    return around[_BEFORE : _BEFORE + height, _BEFORE : _BEFORE + width], around


def _scratch(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Memory that is used again and again, one for each name and thread: fresh memory costs as much as the work."""
    known = _memory.__dict__.setdefault("scratch", {})
    size = math.prod(shape)
    if name not in known or known[name].size < size:
        known[name] = np.empty(size, np.float32)
    return known[name][:size].reshape(shape)


class FromRgb:
    """Makes frames of one pixel format from RGB."""

    def __init__(
        self, pix_fmt: str, matrix: int, *, full_range: bool, siting: Siting = LEFT, fields: bool = False
    ) -> None:
        """`pix_fmt` is planar or the rearrangement of a planar one; `matrix` is one of `LUMA_WEIGHTS`.

        With `fields`, the chroma of every other row is computed for itself.
        """
        self.pix_fmt = pix_fmt
        layout = layout_of(planar_name(pix_fmt))
        if layout is None:  # every format has a planar one
            raise ValueError(pix_fmt)
        self._layout = layout
        self._coding = Coding(matrix, full_range, siting)
        self._steps = [(parity, 2) for parity in (0, 1)] if fields else [(0, 1)]

    def __call__(self, rgb: Float[np.ndarray, "h w 3"]) -> av.VideoFrame:
        """A new frame with the colours of `rgb`, which is clipped to [0, 1]; opaque, where the format has alpha."""
        frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], self._layout.pix_fmt)
        planes = samples(frame)
        for first, step in self._steps:
            part, targets = rgb[first::step], [plane[first::step] for plane in planes]
            encode(partial(_taken, part), part.shape[:2], self._layout, self._coding, targets)
        if self._layout.alpha:
            planes[-1][:] = self._layout.top
        return rearranged(frame, self.pix_fmt)


def _taken(picture: np.ndarray, rows: slice, _room: np.ndarray) -> np.ndarray:
    return picture[rows]
