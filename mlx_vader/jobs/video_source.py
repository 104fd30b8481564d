"""A video file as processes see it: frames, or the fields of interlaced ones, in the order in which they are shown."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from mlx_vader.video import VideoFrame, VideoInfo, open_video
from mlx_vader.video.info import examine
from mlx_vader.video.quantiser import quantiser_of


class VideoSource:
    """See `mlx_vader.process.Video`. `fields`: whether interlaced frames are taken apart.

    `damaged`: when the damaged frames that were read so far are shown, in seconds from the first frame.
    """

    def __init__(self, path: Path, info: VideoInfo, *, fields: bool) -> None:
        self.path, self.fields = path, fields
        self.top_first = info.field_order == "tff"
        self.height = info.height // 2 if fields else info.height
        self.width = info.width
        self.damaged: set[float] = set()
        self._first = examine(path).index.time(0)
        self.frames = (info.frames or 0) * (2 if fields else 1)

    @cached_property
    def quantiser(self) -> float | None:
        """The mean step of its coding, in levels of 255, where its decoder tells."""
        return quantiser_of(self.path)

    def read(self, start: int, stop: int | None = None) -> Iterator[VideoFrame]:
        """Frames (or fields) `start` to `stop`, to the end where it is None."""
        per_frame = 2 if self.fields else 1
        last = None if stop is None else -(-stop // per_frame)
        number = start // per_frame * per_frame
        with open_video(self.path, start // per_frame, last) as video:
            for frame in video:
                if frame.damaged:
                    self.damaged.add(self.seconds(frame))
                for part in frame.fields() if self.fields else (frame,):
                    if number >= start and (stop is None or number < stop):
                        yield part
                    number += 1

    def seconds(self, frame: VideoFrame) -> float:
        """When a frame is shown, in seconds from the first one."""
        return round(float((frame.pts - self._first) * frame.time_base), 3)
