"""Frames of random samples in any pixel format, and files that keep every sample."""

from fractions import Fraction

import av
import numpy as np

from mlx_vader.video import VideoFrame, open_video, write_video
from mlx_vader.video.frame import Traits
from mlx_vader.video.layouts import layout_of, planar, planar_name, rearranged
from mlx_vader.video.orientation import Orientation
from mlx_vader.video.planes import samples
from mlx_vader.video.siting import Siting
from mlx_vader.video.to_rgb import Coding

TICK = Fraction(1, 25)
UPRIGHT = Orientation()
LEFT = Siting()


def noise(pix_fmt: str, width: int, height: int, seed: int = 0) -> av.VideoFrame:
    """A frame of any samples that the format can have."""
    rng = np.random.default_rng(seed)
    layout = layout_of(planar_name(pix_fmt))
    frame = av.VideoFrame(width, height, layout.pix_fmt)
    for plane in samples(frame):
        plane[:] = rng.integers(0, layout.top + 1, plane.shape)
    return rearranged(frame, pix_fmt)


def frame_of(pix_fmt, width, height, *, full=False, siting=LEFT, orientation=UPRIGHT, matrix=1):
    coding = Coding(matrix, full, siting)
    return VideoFrame(noise(pix_fmt, width, height), Traits(coding, orientation), 7, TICK, 3)


def store(path, frames, codec, options=None, color_range=1):
    """Encodes frames as they are, with PyAV alone."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(
            codec, rate=25, options=options or {}, width=frames[0].width, height=frames[0].height
        )
        stream.codec_context.pix_fmt = frames[0].format.name
        stream.codec_context.color_range = color_range
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, TICK
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def copied(source, target, **options):
    with open_video(source) as video, write_video(target, video.info, **options) as writer:
        for frame in video:
            writer.write(frame)
    return target


def decoded(path):
    """All samples of a file, in planes, by PyAV alone."""
    with av.open(str(path)) as container:
        return [[plane.copy() for plane in samples(planar(frame)[0])] for frame in container.decode(video=0)]
