"""Writes a video's frames into segments, and for those that nothing touches segments that stand for their packets.

A copy begins with a part of the video. Its frames are counted and not held. Where one is touched, the copy ends before
it, at the last frame where it may; frames from there on are read from the file again and encoded, up to the next part.
"""

import os
from pathlib import Path

from mlx_vader.video.codecs import Encoding
from mlx_vader.video.frame import VideoFrame
from mlx_vader.video.reader import open_video
from mlx_vader.video.segments import SegmentWriter, finished_segments
from mlx_vader.video.splicing import Splices


class SpliceWriter:
    """Like `SegmentWriter`, for the frames of the video that `splices` are of, from `start` on."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        encoding: Encoding,
        splices: Splices,
        *,
        start: int = 0,
        waiting: int = 0,
    ) -> None:
        """Goes on after the finished segments in `folder` and the `waiting` frames behind them."""
        self._writer = SegmentWriter(folder, encoding)
        self._splices, self._next = splices, start
        segments = finished_segments(Path(folder))
        # Where the frames begin that are to be copied and are in no segment yet; None: frames are encoded.
        copies = bool(waiting) or (bool(segments) and segments[-1].copied)
        self._copy: int | None = start - waiting if copies else None

    @property
    def waiting(self) -> int:
        """How many of the last frames are in no segment yet; none of them is touched."""
        return 0 if self._copy is None else self._next - self._copy

    def write(self, frame: VideoFrame, *, touched: bool) -> None:
        """The next frame. One that is damaged counts as touched: it may be no more than the one before it."""
        number, splices = frame.index, self._splices
        missing = number != self._next  # frames that have packets
        if missing or touched or frame.damaged or not splices.may_copy(number):
            self._encode_waiting()
        elif self._copy is None and splices.begins(number):
            self._copy = number
        if self._copy is None:
            self._writer.write(frame)
        self._next = number + 1

    def cut(self) -> None:
        """Finishes the segment. The last frames may go on waiting."""
        self._copy_waiting()
        self._writer.cut()

    def close(self) -> None:
        """Finishes the last segment: no frame waits any more."""
        self._encode_waiting()
        self._writer.cut()

    def abandon(self) -> None:
        """Throws away the segment that is not finished."""
        self._writer.abandon()

    def _copy_waiting(self) -> None:
        """Makes a segment of as many of the frames that wait as may be copied, whatever comes behind them."""
        if self._copy is None:
            return
        stop = self._splices.cut_before(self._next)
        if stop > self._copy:
            self._writer.copy(self._splices.index.time(self._copy), stop - self._copy)
            self._copy = stop

    def _encode_waiting(self) -> None:
        """The copy ends here: what cannot be part of it is encoded."""
        self._copy_waiting()
        if self.waiting:
            with open_video(self._splices.path, self._copy or 0, self._next) as video:
                for frame in video:
                    self._writer.write(frame)
        self._copy = None
