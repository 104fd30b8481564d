"""The two fields of an interlaced picture: every other row, taken at different times."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import av.filter
import numpy as np

from mlx_vader.boxes import Box
from mlx_vader.process import Patch
from mlx_vader.video.layouts import planar
from mlx_vader.video.planes import FieldOrder, copied, samples

#: What libavcodec/defs.h's AVFieldOrder says of a stream whose first picture does not tell.
_STREAM_ORDERS: dict[int, FieldOrder] = {2: "tff", 3: "bff", 4: "tff", 5: "bff"}


def field_order_of(frames: Sequence[av.VideoFrame], stream_order: int) -> FieldOrder:
    """The order of a video, by its first decoded frames, or else by what its stream says of itself."""
    found = next((frame for frame in frames if frame.interlaced_frame), None)
    if found is None:
        return _STREAM_ORDERS.get(stream_order, "progressive")
    return "tff" if _top_first(found) else "bff"


def _top_first(frame: av.VideoFrame) -> bool:
    """PyAV does not tell which field comes first; the filter that takes fields apart knows."""
    painted, _ = planar(copied(frame))
    luma = samples(painted)[0]
    luma[0::2], luma[1::2] = 0, 1
    graph = av.filter.Graph()
    tick = Fraction(1, 90_000)
    source = graph.add_buffer(
        width=painted.width, height=painted.height, format=painted.format, time_base=tick
    )
    separate, sink = graph.add("separatefields"), graph.add("buffersink")
    source.link_to(separate)
    separate.link_to(sink)
    graph.configure()
    source.push(painted)
    first: Any = sink.pull()
    return not samples(first)[0].any()


def field_of(picture: av.VideoFrame, parity: int) -> av.VideoFrame:
    """The rows `parity`, `parity + 2`, … of every plane as a picture of its own."""
    rows = len(range(parity, picture.height, 2))
    field = av.VideoFrame(picture.width, rows, picture.format.name)
    for before, after in zip(samples(picture), samples(field), strict=True):
        taken = before[parity::2][: len(after)]
        after[: len(taken)] = taken
        after[len(taken) :] = before[-1]  # of an odd number of rows of chroma, one field has one too few
    field.pts = picture.pts
    return field


def woven_pictures(picture: av.VideoFrame, top: av.VideoFrame, bottom: av.VideoFrame) -> av.VideoFrame:
    """A copy of `picture`, labels included, with the rows of two fields."""
    made = copied(picture)
    for parity, field in enumerate((top, bottom)):
        for rows, new in zip(samples(made), samples(field), strict=True):
            target = rows[parity::2]
            target[:] = new[: len(target)]
    return made


def interleaved(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """One picture of the rows of two."""
    made = np.empty((len(top) + len(bottom), *top.shape[1:]), top.dtype)
    made[0::2], made[1::2] = top, bottom
    return made


def box_of_field(box: Box, parity: int) -> Box:
    """Which rows of a field lie in a box of the picture."""
    top, bottom = (row + 1 - parity >> 1 for row in (box.top, box.bottom))
    return Box(top, box.left, bottom - top, box.width)


def patches_of_field(patches: Sequence[Patch], parity: int) -> list[Patch]:
    """The rows of patches that lie in a field."""
    parts = []
    for patch in patches:
        rows = slice((parity - patch.top) % 2, None, 2)
        touched = None if patch.touched is None else patch.touched[rows]
        box = box_of_field(patch.box, parity)
        if box and (touched is None or touched.any()):
            parts.append(Patch(box.top, box.left, patch.rgb[rows], touched))
    return parts
