"""How coarsely a video is coded, where its decoder tells: H.264, MPEG-1, MPEG-2, MPEG-4."""

import os
import struct
from contextlib import suppress

import av
import av.error
import numpy as np
from av.sidedata.sidedata import Type

from mlx_vader.video.info import examine
from mlx_vader.video.library import main_stream, opened, side_data

#: Places in the video that are looked at, and pictures at each.
PLACES, PICTURES = 6, 6

#: `AVVideoEncParams`: how many blocks, where they begin, how long each is; the codec's kind, the picture's parameter.
_HEADER = struct.Struct("@IQQii")
#: `AVVideoBlockParams`: the block's place and size, and how its parameter differs from the picture's.
_BLOCK = np.dtype([("place", "4i4"), ("delta", "i4")])
_H264, _MPEG2 = 1, 2


def quantiser_of(path: str | os.PathLike[str]) -> float | None:
    """The mean step by which coefficients were quantised, in levels of 255; None where it is unknown.

    Raises VaderError for what is no video.
    """
    examined = examine(path)
    if examined.info.bit_depth != 8:
        return None
    with opened(path) as container:
        stream = main_stream(container, examined.info.path)
        # With threads for frames H.264's decoder tells of pictures that it has not yet decoded.
        stream.thread_type = "NONE"
        stream.codec_context.options = {"export_side_data": "venc_params"}
        steps: list[float | None] = []
        for start in np.unique(np.linspace(0, (examined.info.frames or 1) - 1, PLACES).astype(int)).tolist():
            with suppress(av.error.FFmpegError, StopIteration):
                container.seek(examined.index.key_before(start), stream=stream)
                pictures = container.decode(stream)
                steps += [_step(next(pictures)) for _ in range(PICTURES)]
    known = [step for step in steps if step is not None]
    return float(np.mean(known)) if known else None


def _step(picture: av.VideoFrame) -> float | None:
    data = side_data(picture, Type.VIDEO_ENC_PARAMS)
    if data is None or len(data) < _HEADER.size:
        return None
    count, start, size, kind, parameter = _HEADER.unpack_from(data)
    if size != _BLOCK.itemsize or len(data) < start + count * size or kind not in (_H264, _MPEG2):
        return None
    blocks = np.frombuffer(data, _BLOCK, count, start)["delta"] if count else np.zeros(1, np.int32)
    parameters = (parameter + blocks).astype(np.float64)
    # H.264's step doubles with every six: ITU-T H.264, 8.5.9. That of the others is the parameter.
    steps = 0.625 * 2 ** (parameters / 6) if kind == _H264 else parameters
    return float(steps.mean())
