"""A clip in memory as processes see a video: still images, and clips of arrays in evaluation and notebooks."""

from collections.abc import Iterator

from mlx_vader.arrays import Clip
from mlx_vader.video.frame import VideoFrame


class ClipInMemory:
    """See `mlx_vader.process.Video`."""

    fields, top_first, quantiser = False, True, None

    def __init__(self, clip: Clip) -> None:
        self.frames, self.height, self.width = clip.shape[:3]
        self._clip = clip

    def read(self, start: int, stop: int) -> Iterator[VideoFrame]:
        """Frames `start` to `stop`."""
        for index in range(start, min(stop, self.frames)):
            yield VideoFrame.of_rgb(self._clip[index], index=index)
