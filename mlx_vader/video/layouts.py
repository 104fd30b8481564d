"""How the samples of a pixel format lie: planar formats described, and all others brought into a planar one.

Only the arrangement changes: nv12 becomes yuv420p with the same samples. Names are FFmpeg's (libavutil/pixfmt.h).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import av
import av.error
import numpy as np
from av.video.format import names  # type: ignore[attr-defined]
from av.video.reformatter import VideoReformatter

from mlx_vader.errors import VaderError
from mlx_vader.video.planes import relabelled, samples

Kind = Literal["yuv", "rgb", "gray"]

#: Binary logarithms of how many columns and rows of luma one chroma sample covers.
_SUBSAMPLING = {"444": (0, 0), "422": (1, 0), "420": (1, 1), "440": (0, 1), "411": (2, 0), "410": (2, 2)}

_YUV = re.compile(r"yuv(a?)(4\d\d)p(9|10|12|14|16)?(?:le)?")
_RGB = re.compile(r"gbr(a?)p(9|10|12|14|16)?(?:le)?")
_GRAY = re.compile(r"gray(9|10|12|14|16)?(?:le)?")

#: Formats with the samples of a planar one in another arrangement.
_REARRANGED = {
    **dict.fromkeys(("nv12", "nv21"), "yuv420p"),
    **dict.fromkeys(("nv16", "yuyv422", "uyvy422", "yvyu422"), "yuv422p"),
    **dict.fromkeys(("nv24", "nv42", "vuyx", "vyu444"), "yuv444p"),
    **dict.fromkeys(("p010le", "p010be"), "yuv420p10le"),
    **dict.fromkeys(("p012le", "p012be"), "yuv420p12le"),
    **dict.fromkeys(("p016le", "p016be"), "yuv420p16le"),
    **dict.fromkeys(("nv20le", "nv20be", "p210le", "p210be", "y210le"), "yuv422p10le"),
    **dict.fromkeys(("p212le", "p212be", "y212le"), "yuv422p12le"),
    **dict.fromkeys(("p216le", "p216be", "y216le"), "yuv422p16le"),
    **dict.fromkeys(("p410le", "p410be", "xv30le", "v30xle"), "yuv444p10le"),
    **dict.fromkeys(("p412le", "p412be", "xv36le", "xv36be"), "yuv444p12le"),
    **dict.fromkeys(("p416le", "p416be", "xv48le", "xv48be"), "yuv444p16le"),
    **dict.fromkeys(("vuya", "ayuv", "uyva"), "yuva444p"),
    **dict.fromkeys(("ayuv64le", "ayuv64be"), "yuva444p16le"),
    "uyyvyy411": "yuv411p",
    **dict.fromkeys(("rgb24", "bgr24", "0rgb", "rgb0", "0bgr", "bgr0"), "gbrp"),
    **dict.fromkeys(("rgba", "bgra", "argb", "abgr", "ya8", "pal8"), "gbrap"),
    **dict.fromkeys(("x2rgb10le", "x2bgr10le"), "gbrp10le"),
    **dict.fromkeys(("rgb48le", "rgb48be", "bgr48le", "bgr48be", "gbrpf32le", "gbrpf32be"), "gbrp16le"),
    **dict.fromkeys(("rgba64le", "rgba64be", "bgra64le", "bgra64be", "ya16le", "ya16be"), "gbrap16le"),
    **dict.fromkeys(("gbrapf32le", "gbrapf32be"), "gbrap16le"),
    **dict.fromkeys(("grayf32le", "grayf32be"), "gray16le"),
    **dict.fromkeys(("monow", "monob"), "gray"),
}


@dataclass(frozen=True)
class Layout:
    """A planar format of 8 to 16 bits, little-endian.

    `halvings` are the binary logarithms of the (columns, rows) of luma that one chroma sample covers. The planes of
    `yuv` are Y, Cb, Cr, those of `rgb` are G, B, R, that of `gray` is Y; with `alpha`, one more follows.
    """

    pix_fmt: str
    kind: Kind
    bits: int
    halvings: tuple[int, int] = (0, 0)
    alpha: bool = False

    @property
    def top(self) -> int:
        """The highest code value."""
        return (1 << self.bits) - 1

    @property
    def block(self) -> tuple[int, int]:
        """The columns and rows of luma that one chroma sample covers."""
        return 1 << self.halvings[0], 1 << self.halvings[1]

    @property
    def colours(self) -> int:
        """The number of planes without alpha."""
        return 1 if self.kind == "gray" else 3

    def halvings_of(self, plane: int) -> tuple[int, int]:
        """`halvings` of one plane: none but for chroma."""
        return self.halvings if self.kind == "yuv" and plane in {1, 2} else (0, 0)


@lru_cache
def layout_of(pix_fmt: str) -> Layout | None:
    """The layout of a planar format; None for any other."""
    if (found := _YUV.fullmatch(pix_fmt)) and found[2] in _SUBSAMPLING:
        return Layout(pix_fmt, "yuv", int(found[3] or 8), _SUBSAMPLING[found[2]], bool(found[1]))
    if found := _RGB.fullmatch(pix_fmt):
        return Layout(pix_fmt, "rgb", int(found[2] or 8), alpha=bool(found[1]))
    if found := _GRAY.fullmatch(pix_fmt):
        return Layout(pix_fmt, "gray", int(found[1] or 8))
    return None


@lru_cache
def planar_name(pix_fmt: str) -> str:
    """The planar format that holds all samples of `pix_fmt`, or, for rare ones, as much of them as can be."""
    plain = pix_fmt.replace("yuvj", "yuv").removesuffix("be")
    for name in (plain, f"{plain}le", _REARRANGED.get(pix_fmt, "")):
        if layout_of(name) and name in _known():
            return name
    stored = av.VideoFormat(pix_fmt, 16, 16)
    if max(component.bits for component in stored.components) > 16:
        raise _unsupported(pix_fmt)
    depth = "" if max(component.bits for component in stored.components) <= 8 else "16le"
    alpha = "a" if any(component.is_alpha for component in stored.components) else ""
    return f"gbr{alpha}p{depth}" if stored.is_rgb or len(stored.components) < 3 else f"yuv{alpha}444p{depth}"


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(names)


def planar(frame: av.VideoFrame) -> tuple[av.VideoFrame, Layout]:
    """The frame with its samples in planes, and their layout. A frame in planes is returned as it is.

    Raises `VaderError` for a few formats that hardly any decoder makes.
    """
    name = frame.format.name
    layout = layout_of(planar_name(name))
    if layout is None:  # the table above names planar formats only
        raise ValueError(name)
    if name == layout.pix_fmt:
        return frame, layout
    if name.startswith(
        "yuvj"
    ):  # the name says full range, and that is all: swscale would hand back the same frame
        return _renamed(frame, layout.pix_fmt), layout
    try:
        return VideoReformatter().reformat(frame, format=layout.pix_fmt, threads=1), layout
    except av.error.FFmpegError as error:
        raise _unsupported(name) from error


def _unsupported(pix_fmt: str) -> VaderError:
    return VaderError(
        f"the pixel format {pix_fmt} is not supported", hint="convert the clip with ffmpeg first"
    )


def rearranged(frame: av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    """The samples of a planar frame as `pix_fmt` arranges them; the way back of `planar`."""
    if frame.format.name == pix_fmt:
        return frame
    if frame.width % 2 and pix_fmt in {"p010le", "p016le"}:  # swscale's short way leaves out the last column
        frame = VideoReformatter().reformat(frame, format=pix_fmt.replace("le", "be"), threads=1)
    return VideoReformatter().reformat(frame, format=pix_fmt, threads=1)


def _renamed(frame: av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    made = av.VideoFrame(frame.width, frame.height, pix_fmt)
    for before, after in zip(samples(frame), samples(made), strict=True):
        np.copyto(after, before)
    made.pts = frame.pts
    return relabelled(made, "tff") if frame.interlaced_frame else made
