"""Where the samples of chroma lie between those of luma.

PyAV does not tell, so swscale is asked: it spreads a single sample of chroma around its place.
"""

from dataclasses import dataclass

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from mlx_vader.video.layouts import Layout, planar
from mlx_vader.video.planes import floats, relabelled, samples

#: The test picture's side, and the row and column of the chroma sample that is set: far from the edges.
_SIDE, _PLACE = 64, 6


@dataclass(frozen=True)
class Siting:
    """Whether chroma lies on the first column (or row) of luma that a sample covers, or in the middle of them.

    MPEG-2 and later codecs use the default, JPEG and MPEG-1 the middle of both, BT.2100 the first of both.
    """

    on_column: bool = True
    on_row: bool = False

    @property
    def name(self) -> str:
        """FFmpeg's name."""
        if self.on_row:
            return "topleft" if self.on_column else "top"
        return "left" if self.on_column else "center"


LEFT = Siting()


#: Codecs whose decoders say where chroma lies. Of others, swscale takes the middle, and players the left.
_TELLING = frozenset({"h264", "hevc", "mjpeg", "mpeg1video", "mpeg2video"})


def siting_of(frame: av.VideoFrame, codec: str) -> Siting:
    """The siting that the labels of a decoded frame ask for; where there is none, the one that players assume."""
    picture, layout = planar(frame)
    if layout.kind != "yuv" or layout.halvings == (0, 0):
        return LEFT
    found = _found(picture, layout)
    return found if codec in _TELLING or found.on_column or found.on_row else LEFT


def _found(frame: av.VideoFrame, layout: Layout) -> Siting:
    spread = _spread(frame)
    across, down = spread[_PLACE * layout.block[1]], spread[:, _PLACE * layout.block[0]]
    columns, rows = layout.block
    return Siting(
        on_column=columns == 1 or _even(across, _PLACE * columns),
        on_row=rows > 1 and _even(down, _PLACE * rows),
    )


def _spread(frame: av.VideoFrame) -> np.ndarray:
    """How far one sample of chroma reaches: (64, 64)."""
    # A small frame inherits the labels of the large one.
    small = VideoReformatter().reformat(
        relabelled(frame, "prog"), width=_SIDE, height=_SIDE, interpolation=Interpolation.POINT, threads=1
    )
    if small.width == frame.width and small.height == frame.height:
        small.make_writable()
    middle = 1 << (frame.format.components[0].bits - 1)
    for plane in samples(small):
        plane[:] = middle
    samples(small)[1][_PLACE, _PLACE] += middle // 2
    rgb = VideoReformatter().reformat(
        small,
        format="gbrpf32le",
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND,
        threads=1,
    )
    _green, blue, red = floats(rgb)
    return blue - red


def _even(response: np.ndarray, place: int) -> bool:
    """Whether a response is symmetric about `place`."""
    return bool(abs(response[place - 1] - response[place + 1]) < 0.1 * np.abs(response).max())
