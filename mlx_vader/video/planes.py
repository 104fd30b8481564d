"""The planes of frames as arrays, and frames made of them."""

import threading
from fractions import Fraction
from typing import Any, Literal

import av
import av.filter
import numpy as np

#: One plane's samples: (h, w), uint8 or little-endian uint16, or float32.
Samples = np.ndarray

FieldMode = Literal["prog", "tff", "bff"]

#: Which rows come first in time: `tff` those from the first on, `bff` those from the second on.
FieldOrder = Literal["progressive", "tff", "bff"]

_TICK = Fraction(1, 90_000)
_memory = threading.local()


def samples(frame: av.VideoFrame) -> list[Samples]:
    """The planes of a planar frame as views, without the padding of lines."""
    dtype = np.dtype(np.uint8 if frame.format.components[0].bits <= 8 else "<u2")
    return [_view(plane, dtype) for plane in frame.planes]


def floats(frame: av.VideoFrame) -> list[Samples]:
    """The planes of a frame whose samples are float32."""
    return [_view(plane, np.dtype("<f4")) for plane in frame.planes]


def _view(plane: Any, dtype: np.dtype) -> Samples:
    stride = plane.line_size
    # A negative stride: rows are stored from the last to the first, and the buffer begins with the last.
    first = 0 if stride > 0 else (plane.height - 1) * -stride
    return np.ndarray((plane.height, plane.width), dtype, memoryview(plane), first, (stride, dtype.itemsize))


def copied(frame: av.VideoFrame) -> av.VideoFrame:
    """A frame with the same samples and labels, in memory of its own."""
    copy = relabelled(frame)
    copy.make_writable()  # copies, because the memory has two owners
    return copy


def relabelled(
    frame: av.VideoFrame, field_mode: FieldMode | None = None, siting: str | None = None
) -> av.VideoFrame:
    """The same samples, not copied, under other labels: how fields are stored, and where chroma lies.

    `siting` is one of FFmpeg's names: left, center, topleft, top, bottomleft, bottom.
    """
    labels = {"field_mode": field_mode, "chroma_location": siting}
    text = ":".join(f"{name}={value}" for name, value in labels.items() if value) or "field_mode=auto"
    source, sink = _graph(frame.width, frame.height, frame.format.name, text)
    source.push(frame)
    made = sink.pull()
    made.pts, made.time_base = frame.pts, frame.time_base or _TICK
    return made


def field_mode_of(order: FieldOrder) -> FieldMode:
    """The label of a picture of this order."""
    return "prog" if order == "progressive" else order


def _graph(width: int, height: int, pix_fmt: str, labels: str) -> tuple[Any, Any]:
    """FFmpeg's setparams filter: PyAV itself cannot set these labels. A graph belongs to the thread that made it."""
    known = _memory.__dict__.setdefault("graphs", {})
    key = width, height, pix_fmt, labels
    if key not in known:
        if len(known) >= 32:
            known.pop(next(iter(known)))
        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=width, height=height, format=av.VideoFormat(pix_fmt, width, height), time_base=_TICK
        )
        params, sink = graph.add("setparams", labels), graph.add("buffersink")
        source.link_to(params)
        params.link_to(sink)
        graph.configure()
        known[key] = graph, source, sink
    return known[key][1:]
