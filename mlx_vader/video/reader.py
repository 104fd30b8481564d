"""Frames out of a video file, one after another or from anywhere, upright and in full depth."""

import os
from collections.abc import Iterator
from types import TracebackType

import numpy as np
from jaxtyping import Float

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.video.decoding import decoded_pictures
from mlx_vader.video.fitting import fitted
from mlx_vader.video.frame import VideoFrame
from mlx_vader.video.info import Examined, VideoInfo, examine


class VideoReader:
    """Iterates over frames `start` to `stop` of a video; memory does not grow with its length.

    Made by `open_video`. `info` is what `probe` tells. Each iteration begins anew.
    """

    def __init__(self, examined: Examined, start: int, stop: int | None) -> None:
        """`examined` is the file, `start` and `stop` count frames."""
        self.info: VideoInfo = examined.info
        self._examined = examined
        self._start = start
        self._stop = len(examined.index) if stop is None else min(stop, len(examined.index))
        self._whole = stop is None
        self._running: list[Iterator[VideoFrame]] = []

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        while self._running:
            self._running.pop().close()  # type: ignore[attr-defined]

    def __len__(self) -> int:
        """How many frames there are between `start` and `stop`."""
        return max(0, self._stop - self._start)

    def __iter__(self) -> Iterator[VideoFrame]:
        frames = self._frames()
        self._running.append(frames)
        return frames

    def _frames(self) -> Iterator[VideoFrame]:
        index, info = self._examined.index, self.info
        for number, picture, damaged in decoded_pictures(info.path, index, self._start):
            if number >= self._stop and not self._whole:
                break
            picture = fitted(picture, info)
            yield VideoFrame(
                picture, info.traits, index.time(number), index.time_base, number, damaged=damaged
            )


def open_video(path: str | os.PathLike[str], start: int = 0, stop: int | None = None) -> VideoReader:
    """A reader of frames `start` to `stop` (all of them by default), to be used in a `with` and iterated.

    Each is a `VideoFrame`: the samples as they are stored, and upright RGB when asked. Timestamps are the file's own;
    where it mixed up those of neighbouring frames, they are put in order. Frames have one size and pixel format: those
    of the first, to which others are scaled. In the place of a picture that was lost to damage stands the one before,
    and is `damaged`. Raises `VaderError` where the file ends in an error.
    """
    if start < 0 or (stop is not None and stop < start):
        raise UsageError(f"frames {start} to {stop} make no clip", hint="0 <= start <= stop")
    return VideoReader(examine(path), start, stop)


def read_clip(path: str | os.PathLike[str], start: int, length: int) -> Float[np.ndarray, "t h w 3"]:
    """Frames `start` to `start + length`, exactly those that reading from the beginning gives.

    Decoding begins at the keyframe before; files that cannot be entered in the middle are read from the beginning.
    """
    with open_video(path, start, start + length) as video:
        frames = [frame.rgb for frame in video]
        if len(frames) < length or not frames:
            raise VaderError(
                f"{path} has {video.info.frames} frames, not {start} to {start + length}",
                hint="ask for frames that are in it",
            )
    return np.stack(frames)
