"""Frames out of a video file, one after another or from anywhere, upright and in full depth."""

import os
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType

import av
import av.error
import numpy as np
from jaxtyping import Float

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.video.frame import VideoFrame
from mlx_vader.video.index import FrameIndex
from mlx_vader.video.info import Examined, VideoInfo, examine
from mlx_vader.video.library import decoder_of, main_stream, opened

#: How far apart in decoding order the timestamps of neighbours may be in a file that mixed them up.
_MIXED_UP = 16


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
        index, traits = self._examined.index, self.info.traits
        for number, picture in _pictures(self.info.path, index, self._start):
            if number >= self._stop and not self._whole:
                break
            yield VideoFrame(picture, traits, index.time(number), index.time_base, number)


def open_video(path: str | os.PathLike[str], start: int = 0, stop: int | None = None) -> VideoReader:
    """A reader of frames `start` to `stop` (all of them by default), to be used in a `with` and iterated.

    Each is a `VideoFrame`: the samples as they are stored, and upright RGB when asked. Timestamps are the file's own;
    where it mixed up those of neighbouring frames, they are put in order. A packet that cannot be decoded raises
    `VaderError`, except before the first frame, where recordings often begin in the middle of a picture.
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


def _pictures(path: Path, index: FrameIndex, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decoded frames with their numbers, from `start` on."""
    following = start
    if start and index.exact and start < len(index):
        for number, picture in _entered(path, index, start):
            if number != following:
                break  # this file cannot be entered here: read it from the beginning
            yield number, picture
            following += 1
        else:
            if following > start:
                return
    with opened(path) as container:
        for number, picture in _numbered(_decoded(container, path), index):
            if number >= following:
                yield number, picture


def _entered(path: Path, index: FrameIndex, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decoded frames from `start` on, beginning at the keyframe before; -1 for one that has no place in the index."""
    with opened(path) as container:
        stream = main_stream(container, path)
        try:
            container.seek(index.key_before(start), stream=stream)
        except av.error.FFmpegError:
            return
        for picture in _decoded(container, path):
            number = index.find(picture.pts)
            if number is None:
                yield -1, picture
            elif number >= start:
                yield number, picture


def _decoded(container: av.container.InputContainer, path: Path) -> Iterator[av.VideoFrame]:
    stream = main_stream(container, path)
    stream.thread_type = "AUTO"
    decode = decoder_of(stream)
    count = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            pictures = decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            if count:
                raise VaderError(
                    f"{path} is damaged after frame {count}: {error.strerror}",
                    hint=f"leave the damage out: ffmpeg -err_detect ignore_err -i '{path.name}' repaired.mkv",
                ) from error
            continue
        for picture in pictures:
            count += 1
            yield picture


def _numbered(pictures: Iterator[av.VideoFrame], index: FrameIndex) -> Iterator[tuple[int, av.VideoFrame]]:
    """Gives each picture its number in the index.

    A picture whose timestamp comes early is either the one after a lost picture, and keeps its time, or the file mixed
    up the times of neighbours; then pictures are numbered as they come.
    """
    following, mixed_up = 0, not index.exact
    ahead: deque[av.VideoFrame] = deque()
    while True:
        picture = ahead.popleft() if ahead else next(pictures, None)
        if picture is None:
            return
        number = following if mixed_up else index.find(picture.pts)
        if number is None or number < following:
            number, mixed_up = following, True
        elif number > following:
            ahead.extend(islice(pictures, _MIXED_UP - len(ahead)))
            if any((index.find(later.pts) or 0) < number for later in ahead):
                number, mixed_up = following, True
        yield number, picture
        following = number + 1
