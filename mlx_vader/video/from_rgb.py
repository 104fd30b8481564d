"""From RGB to stored samples: exact to the rounding, in one pass over strips that stay in the processor's cache."""

from collections.abc import Sequence
from functools import lru_cache

import av
import numpy as np
from jaxtyping import Float

from mlx_vader.video.color import LUMA_WEIGHTS
from mlx_vader.video.layouts import Layout, layout_of, planar_name, rearranged
from mlx_vader.video.planes import samples
from mlx_vader.video.siting import LEFT, Siting
from mlx_vader.video.to_rgb import Coding

#: Rows of luma that are worked on at once.
_ROWS = 48

#: How many pixels beside a chroma sample count for it, by the binary logarithm of the columns (or rows) it covers.
_REACH = (0, 4, 12)


def reach(layout: Layout) -> tuple[int, int]:
    """How many columns and rows of RGB beside a block of luma its chroma sample is computed from, at most.

    Both are whole blocks.
    """
    return _REACH[layout.halvings[0]], _REACH[layout.halvings[1]]


def encode(
    rgb: Float[np.ndarray, "h w 3"], layout: Layout, coding: Coding, planes: Sequence[np.ndarray]
) -> None:
    """Fills the colour planes of `layout` with the codes of `rgb`, whose values are clipped to [0, 1].

    Beyond its edges, the picture is taken to go on as it ends. What chroma is made of is the counterpart of what
    swscale's bicubic filter makes of it: there and back again changes next to nothing.
    """
    if layout.kind == "rgb":
        for plane, channel in zip(planes, (1, 2, 0), strict=False):
            _quantise(rgb[..., channel], layout.top, 0, layout.top, plane)
        return
    for top in range(0, rgb.shape[0], _ROWS):
        _encode_rows(rgb, top, min(top + _ROWS, rgb.shape[0]), layout, coding, planes)


def _encode_rows(
    rgb: np.ndarray, top: int, bottom: int, layout: Layout, coding: Coding, planes: Sequence[np.ndarray]
) -> None:
    """Fills rows `top` to `bottom` of luma, and those of chroma that belong to them; `top` begins a block."""
    beside = reach(layout)[1]
    first, last = max(0, top - beside), min(rgb.shape[0], bottom + beside)
    strip = np.clip(rgb[first:last], 0, 1, dtype=np.float32)
    luma_scale, luma_offset, chroma_scale, chroma_offset = _scales(layout.bits, coding.full_range)
    to_luma, *to_chroma = _matrix(coding.matrix)
    inner = strip[top - first : bottom - first]
    _quantise(inner @ to_luma, luma_scale, luma_offset, layout.top, planes[0][top:bottom])
    if layout.kind == "gray":
        return
    halved_columns, halved_rows = layout.halvings
    rows = slice(top >> halved_rows, -(-bottom >> halved_rows))
    for plane, weights in zip(planes[1:3], to_chroma, strict=True):
        chroma = strip @ weights
        for _ in range(halved_rows):
            chroma = _halved(chroma, 0, on_first=coding.siting.on_row)
        chroma = chroma[(top - first) >> halved_rows :][: rows.stop - rows.start]
        for _ in range(halved_columns):
            chroma = _halved(chroma, 1, on_first=coding.siting.on_column)
        _quantise(chroma, chroma_scale, chroma_offset, layout.top, plane[rows])


def _scales(bits: int, full_range: bool) -> tuple[int, int, int, int]:
    """Scale and offset of luma and of chroma: H.273 equations 8-20 to 8-25."""
    top, unit = (1 << bits) - 1, 1 << (bits - 8)
    return (top, 0, top, 128 * unit) if full_range else (219 * unit, 16 * unit, 224 * unit, 128 * unit)


@lru_cache
def _matrix(matrix: int) -> np.ndarray:
    """The rows that make Y, Cb and Cr of R, G and B."""
    red, blue = LUMA_WEIGHTS[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 - 2 * blue)
    cr = (np.array([1, 0, 0]) - luma) / (2 - 2 * red)
    return np.stack([luma, cb, cr]).astype(np.float32)


def _quantise(values: np.ndarray, scale: int, offset: int, top: int, codes: np.ndarray) -> None:
    """Writes the nearest codes of `values`."""
    scaled = values * np.float32(scale)
    scaled += np.float32(offset + 0.5)
    np.clip(scaled, 0, top, out=scaled)
    np.copyto(codes, scaled, casting="unsafe")


def _halved(plane: np.ndarray, axis: int, *, on_first: bool) -> np.ndarray:
    return _onto_first(plane, axis) if on_first else _between(plane, axis)


def _between(plane: np.ndarray, axis: int) -> np.ndarray:
    """Samples between two of the plane: (-1, 9, 9, -1) / 16 keeps what upsampling made of them."""
    rows = _with_edges(plane, 1, 3, axis)
    count = (plane.shape[axis] + 1) // 2
    first, second, third, fourth = (_every_other(rows, start, count, axis) for start in range(4))
    inner = second + third
    inner *= np.float32(9 / 16)
    outer = first + fourth
    outer *= np.float32(1 / 16)
    inner -= outer
    return inner


def _onto_first(plane: np.ndarray, axis: int) -> np.ndarray:
    """Samples on every other one of the plane: the half-band filter (-1, 0, 9, 16, 9, 0, -1) / 32."""
    columns = _with_edges(plane, 3, 5, axis)
    count = (plane.shape[axis] + 1) // 2
    middle = _every_other(columns, 3, count, axis) * np.float32(0.5)
    near = _every_other(columns, 2, count, axis) + _every_other(columns, 4, count, axis)
    near *= np.float32(9 / 32)
    far = _every_other(columns, 0, count, axis) + _every_other(columns, 6, count, axis)
    far *= np.float32(1 / 32)
    middle += near
    middle -= far
    return middle


def _every_other(plane: np.ndarray, start: int, count: int, axis: int) -> np.ndarray:
    taken = slice(start, start + 2 * count - 1, 2)
    return plane[taken] if axis == 0 else plane[:, taken]


def _with_edges(plane: np.ndarray, before: int, after: int, axis: int) -> np.ndarray:
    """The first and last rows or columns repeated; `np.pad` takes ten times as long."""
    first, last = plane.take([0] * before, axis), plane.take([-1] * after, axis)
    return np.concatenate([first, plane, last], axis)


class FromRgb:
    """Makes frames of one pixel format from RGB."""

    def __init__(self, pix_fmt: str, matrix: int, *, full_range: bool, siting: Siting = LEFT) -> None:
        """`pix_fmt` is planar or the rearrangement of a planar one; `matrix` is one of `LUMA_WEIGHTS`."""
        self.pix_fmt = pix_fmt
        layout = layout_of(planar_name(pix_fmt))
        if layout is None:  # every format has a planar one
            raise ValueError(pix_fmt)
        self._layout = layout
        self._coding = Coding(matrix, full_range, siting)

    def __call__(self, rgb: Float[np.ndarray, "h w 3"]) -> av.VideoFrame:
        """A new frame with the colours of `rgb`, which is clipped to [0, 1]; opaque, where the format has alpha."""
        frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], self._layout.pix_fmt)
        planes = samples(frame)
        encode(rgb, self._layout, self._coding, planes)
        if self._layout.alpha:
            planes[-1][:] = self._layout.top
        return rearranged(frame, self.pix_fmt)
