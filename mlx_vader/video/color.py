"""Between what is stored (Y'CbCr or R'G'B', 8 to 16 bits, limited or full range) and RGB float32 in [0, 1].

The transfer curve is carried as it is: PQ stays PQ. Code values follow ITU-T H.273, as in FFmpeg.
"""

from dataclasses import dataclass

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from jaxtyping import Float

from mlx_vader.errors import VaderError

RGB, BT709, UNSPECIFIED, FCC, BT470BG, SMPTE170M, SMPTE240M, BT2020 = 0, 1, 2, 4, 5, 6, 7, 9
LIMITED_RANGE, FULL_RANGE = 1, 2

#: The weights of red and blue in luma, ITU-T H.273 table 4.
LUMA_WEIGHTS = {
    BT709: (0.2126, 0.0722),
    FCC: (0.30, 0.11),
    BT470BG: (0.299, 0.114),
    SMPTE170M: (0.299, 0.114),
    SMPTE240M: (0.212, 0.087),
    BT2020: (0.2627, 0.0593),
}

#: The numbers by which swscale, not H.273, calls the matrices.
_SWSCALE_MATRIX = {BT709: 1, FCC: 4, BT470BG: 5, SMPTE170M: 5, SMPTE240M: 7, BT2020: 9}

_FLAGS = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)


@dataclass(frozen=True)
class ColorTags:
    """What a stream says about its colours, in H.273 code points; 2 is unspecified.

    `range` is 1 (limited, which is also what players take for unspecified) or 2 (full).
    """

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    range: int = LIMITED_RANGE


def players_matrix(width: int, height: int) -> int:
    """The matrix that players assume where none is tagged: BT.709 from 720p on, BT.601 below."""
    return BT709 if width >= 1280 or height > 576 else SMPTE170M


def effective_matrix(matrix: int, width: int, height: int) -> int:
    """The matrix to compute with; BT.2020 constant luminance is taken as non-constant, as players do."""
    if matrix in {UNSPECIFIED, RGB}:
        return players_matrix(width, height)
    if matrix == 10:
        return BT2020
    if matrix not in LUMA_WEIGHTS:
        raise VaderError(f"colour matrix {matrix} is not supported", hint="convert the clip to BT.709 first")
    return matrix


class ToRgb:
    """Converts decoded frames of one video; holds swscale's context."""

    def __init__(self, tags: ColorTags) -> None:
        """`tags` of the stream."""
        self._tags = tags
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Float[np.ndarray, "h w 3"]:
        """RGB in [0, 1] as stored, not turned upright."""
        if frame.format.is_rgb:
            return self._from_rgb(frame)
        full = self._tags.range == FULL_RANGE
        matrix = _SWSCALE_MATRIX[effective_matrix(self._tags.matrix, frame.width, frame.height)]
        planar = self._reformatter.reformat(
            frame,
            format="gbrpf32le",
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=FULL_RANGE if full else LIMITED_RANGE,
            dst_color_range=FULL_RANGE,
            interpolation=_FLAGS,
            threads=1,
        )
        rgb = planar.to_ndarray() * np.float32(1 / _white(frame, full))
        return np.clip(rgb, 0.0, 1.0, out=rgb)

    def _from_rgb(self, frame: av.VideoFrame) -> Float[np.ndarray, "h w 3"]:
        """Exact: swscale would go through Y'CbCr on its way to floats."""
        bits = frame.format.components[0].bits
        if bits > 8 and frame.format.name.startswith("gbrp"):
            samples = frame.to_ndarray()[..., :3]
        else:
            bits = 8 if bits <= 8 else 16
            wanted = "rgb24" if bits == 8 else "rgb48le"
            samples = self._reformatter.reformat(
                frame, format=wanted, interpolation=_FLAGS, threads=1
            ).to_ndarray()
        return samples * np.float32(1 / ((1 << bits) - 1))


def _white(frame: av.VideoFrame, full: bool) -> float:
    """What swscale makes of white: it shifts code values up to 16 bits instead of scaling them."""
    bits = frame.format.components[0].bits
    if not full:
        bits = 8
    return (((1 << bits) - 1) << (16 - bits)) / 65535 if bits < 16 else 1.0


class FromRgb:
    """Fills frames of one planar format from RGB; exact to the rounding, with chroma sited left as in MPEG-2."""

    def __init__(self, pix_fmt: str, matrix: int, *, full_range: bool) -> None:
        """`pix_fmt` is yuv4xxp or gbrp, 8 to 16 bits, or bgr0 or p010le; `matrix` one of `LUMA_WEIGHTS`."""
        self.pix_fmt = pix_fmt
        red, blue = LUMA_WEIGHTS[matrix]
        luma = np.array([red, 1 - red - blue, blue])
        self._to_yuv = np.stack(
            [
                luma,
                (np.array([0, 0, 1]) - luma) / (2 - 2 * blue),
                (np.array([1, 0, 0]) - luma) / (2 - 2 * red),
            ]
        ).astype(np.float32)
        self._full = full_range

    def __call__(self, rgb: Float[np.ndarray, "h w 3"]) -> av.VideoFrame:
        """A new frame with the colours of `rgb`, which is clipped to [0, 1]."""
        height, width = rgb.shape[:2]
        frame = av.VideoFrame(width, height, self.pix_fmt)
        rgb = np.clip(rgb, 0.0, 1.0, dtype=np.float32)
        planes = self._rgb_planes(rgb) if frame.format.is_rgb else self._yuv_planes(rgb, frame)
        for plane, values in zip(frame.planes, planes, strict=True):
            _fill(plane, values)
        return frame

    def _rgb_planes(self, rgb: np.ndarray) -> list[np.ndarray]:
        top = (1 << av.VideoFormat(self.pix_fmt).components[0].bits) - 1
        if self.pix_fmt == "bgr0":
            padded = np.concatenate([rgb[..., ::-1], np.zeros_like(rgb[..., :1])], axis=-1)
            return [_quantised(padded, top, 0, top)]
        return [_quantised(rgb[..., channel], top, 0, top) for channel in (1, 2, 0)]

    def _yuv_planes(self, rgb: np.ndarray, frame: av.VideoFrame) -> list[np.ndarray]:
        bits = frame.format.components[0].bits
        top, unit = (1 << bits) - 1, 1 << (bits - 8)
        luma_scale, luma_offset = (top, 0) if self._full else (219 * unit, 16 * unit)
        chroma_scale = top if self._full else 224 * unit
        luma, *chroma = (rgb @ weights for weights in self._to_yuv)
        if frame.format.chroma_height(frame.height) < frame.height:
            chroma = [_halved_height(plane) for plane in chroma]
        if frame.format.chroma_width(frame.width) < frame.width:
            chroma = [_halved_width(plane) for plane in chroma]
        codes = [_quantised(luma, luma_scale, luma_offset, top)]
        codes += [_quantised(plane, chroma_scale, 128 * unit, top) for plane in chroma]
        if self.pix_fmt == "p010le":  # both chromas in one plane, in the upper bits
            return [codes[0] << 6, np.stack(codes[1:], axis=-1) << 6]
        return codes


def _quantised(values: np.ndarray, scale: int, offset: int, top: int) -> np.ndarray:
    values = values * np.float32(scale)
    values += np.float32(offset + 0.5)
    np.clip(values, 0, top, out=values)
    return values.astype(np.uint8 if top < 256 else np.uint16)


def _halved_height(plane: np.ndarray) -> np.ndarray:
    """Rows of chroma lie between two rows of luma: (-1, 9, 9, -1) / 16 keeps what upsampling made of them."""
    count = (plane.shape[0] + 1) // 2
    rows = _with_edges(plane, 1, 3, axis=0)
    outer = rows[0 : 2 * count : 2] + rows[3 : 3 + 2 * count : 2]
    inner = rows[1 : 1 + 2 * count : 2] + rows[2 : 2 + 2 * count : 2]
    return inner * np.float32(9 / 16) - outer * np.float32(1 / 16)


def _halved_width(plane: np.ndarray) -> np.ndarray:
    """Columns of chroma lie on the even columns of luma: the half-band filter (-1, 0, 9, 16, 9, 0, -1) / 32."""
    count = (plane.shape[1] + 1) // 2
    columns = _with_edges(plane, 3, 5, axis=1)
    even, odd = np.ascontiguousarray(columns[:, 1::2]), np.ascontiguousarray(columns[:, 0::2])
    middle = even[:, 1 : 1 + count]
    near = odd[:, 1 : 1 + count] + odd[:, 2 : 2 + count]
    far = odd[:, 0:count] + odd[:, 3 : 3 + count]
    return middle * np.float32(0.5) + near * np.float32(9 / 32) - far * np.float32(1 / 32)


def _with_edges(plane: np.ndarray, before: int, after: int, axis: int) -> np.ndarray:
    """The first and last rows or columns repeated; `np.pad` takes ten times as long."""
    first, last = plane.take([0] * before, axis), plane.take([-1] * after, axis)
    return np.concatenate([first, plane, last], axis)


def _fill(plane: av.video.plane.VideoPlane, values: np.ndarray) -> None:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    packed = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    rows[: packed.shape[0], : packed.shape[1]] = packed
