"""Frames into a video file."""

import os
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Float

from mlx_vader.errors import UsageError
from mlx_vader.video.assembly import assemble, check_output
from mlx_vader.video.codecs import Encoding, plan_encoding
from mlx_vader.video.files import check_target
from mlx_vader.video.frame import VideoFrame
from mlx_vader.video.info import VideoInfo
from mlx_vader.video.segments import SegmentWriter, finished_segments
from mlx_vader.writing import folder_beside


class VideoWriter:
    """Takes frames; the file appears when the `with` block ends without an error. Made by `write_video`.

    `left_out` says afterwards what of the source the container could not hold.
    """

    def __init__(
        self, target: Path, info: VideoInfo | None, frame_rate: Fraction | None, codec: str, crf: int
    ) -> None:
        """See `write_video`."""
        self.left_out: tuple[str, ...] = ()
        self._target = check_target(target, info.path if info else None)
        self._info = info
        self._frame_rate = frame_rate
        self._codec, self._crf = codec, crf
        self._segments: SegmentWriter | None = None
        self._stack = ExitStack()
        size = (info.width, info.height) if info else (256, 256)
        check_output(self._target, self._plan(size), info.path if info else None)

    def _plan(self, size: tuple[int, int]) -> Encoding:
        return plan_encoding(
            self._target, self._info, codec=self._codec, crf=self._crf, size=size, frame_rate=self._frame_rate
        )

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if error is None:
                self._finish()
            elif self._segments is not None:
                self._segments.abandon()

    def write(
        self,
        frame: VideoFrame | Float[np.ndarray, "h w 3"],
        pts: int | None = None,
        time_base: Fraction | None = None,
    ) -> None:
        """Adds a frame or upright RGB in [0, 1], of the size of the first; see `SegmentWriter.write`."""
        if self._segments is None:
            size = frame.shape[1::-1] if isinstance(frame, np.ndarray) else (frame.width, frame.height)
            folder = self._stack.enter_context(folder_beside(self._target))
            self._segments = SegmentWriter(folder, self._plan((size[0], size[1])))
        self._segments.write(frame, pts, time_base)

    def _finish(self) -> None:
        if self._segments is None:
            raise UsageError(f"there are no frames to write to {self._target}")
        self._segments.close()
        segments = finished_segments(self._segments.folder)
        source = self._info.path if self._info else None
        self.left_out = assemble(segments, self._target, self._segments.encoding, source)


def write_video(
    path: str | os.PathLike[str],
    info: VideoInfo | None = None,
    *,
    frame_rate: Fraction | float | int | None = None,
    codec: str = "auto",
    crf: int = 18,
) -> VideoWriter:
    """A writer to be used in a `with`.

    With `info`, the output is like that video: tick, frame rate, aspect, colours, bit depth, chroma, alpha and fields
    as far as the codec can, stored as that one is turned, with all its audio, subtitles, chapters and metadata. Without
    it, `frame_rate` is needed and the file holds BT.709 pictures alone. Pictures of another size than `info`'s are
    fine; they are stored upright.

    `codec` is one of `ENCODERS`, the usual name of a codec ("hevc", "h265"), or `auto`, which holds most of `info` and
    keeps its codec: see `choose_encoder`. `crf` is 0 (best) to 51. Odd sizes, which H.264 and HEVC cannot hold in
    4:2:0, are kept by storing chroma in 4:4:4. The disk must hold the picture stream twice.
    """
    rate = None if frame_rate is None else Fraction(frame_rate)
    return VideoWriter(Path(path), info, rate, codec, crf)
