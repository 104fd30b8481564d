"""Clips through the encoders that people use, in files in memory, at what each takes by default and at worse."""

import io
from fractions import Fraction
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.stream import VideoStream

from mlx_vader.arrays import Clip, LevelClip
from mlx_vader.levels import to_levels, to_unit

#: libx265 does not code smaller pictures reliably.
_SMALLEST = 128


class Encoder(NamedTuple):
    """An encoder of FFmpeg and what it is told. One thread, and no options whose result changes from run to run."""

    codec: str
    options: dict[str, str]
    pixels: str = "yuv420p"


def h264(crf: int) -> Encoder:
    """By default libx264 takes CRF 23."""
    return Encoder("libx264", {"crf": f"{crf}", "x264-params": "mbtree=0:threads=1"})


def hevc(crf: int) -> Encoder:
    """By default libx265 takes CRF 28."""
    return Encoder("libx265", {"crf": f"{crf}", "x265-params": "log-level=none:pools=none:frame-threads=1"})


def vp9(crf: int) -> Encoder:
    """CRF 32 is usual."""
    return Encoder("libvpx-vp9", {"crf": f"{crf}", "b": "0", "cpu-used": "4", "row-mt": "0"})


def mpeg2(scale: int) -> Encoder:
    """`scale`: the quantiser's, from 1 to 31."""
    return Encoder("mpeg2video", {"qmin": f"{scale}", "qmax": f"{scale}", "bf": "2"})


def mjpeg(scale: int) -> Encoder:
    """`scale`: the quantiser's, from 1 to 31."""
    return Encoder("mjpeg", {"qmin": f"{scale}", "qmax": f"{scale}"}, "yuvj420p")


def encode(levels: LevelClip, encoder: Encoder, file: Any) -> None:
    """Writes a Matroska file, or into an open one. Sizes are even."""
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(encoder.codec, rate=Fraction(25), options=encoder.options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = levels.shape[1:3]
        stream.pix_fmt, stream.thread_count = encoder.pixels, 1
        for picture in levels:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame.reformat(format=encoder.pixels)))
        container.mux(stream.encode(None))


def coded(clip: Clip, encoder: Encoder) -> Clip:
    """The clip encoded and decoded. Sizes may be odd."""
    height, width = clip.shape[1:3]
    missing = [max(side + side % 2, _SMALLEST) - side for side in (height, width)]
    levels = np.pad(to_levels(clip), ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)), "edge")
    file = io.BytesIO()
    encode(levels, encoder, file)
    file.seek(0)
    with av.open(file, "r") as written:
        frames = [frame.to_ndarray(format="rgb24") for frame in written.decode(video=0)]
    assert len(frames) == len(clip), f"{encoder.codec} gave {len(frames)} frames of {len(clip)}"
    return to_unit(np.stack(frames)[:, :height, :width])
