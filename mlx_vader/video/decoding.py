"""The decoded pictures of a file with their numbers, from the beginning or from anywhere, one for each in the index."""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import av
import av.error

from mlx_vader.arrays import LARGE_FRAME
from mlx_vader.errors import VaderError
from mlx_vader.video.index import FrameIndex
from mlx_vader.video.library import decoder_of, main_stream, opened

#: How far apart in decoding order the timestamps of neighbours may be in a file that mixed them up.
_MIXED_UP = 16

#: Codecs whose packets always make a picture. In others a packet may be one of two fields, say "as before", or hold a
#: picture that only helps others.
_ONE_EACH = frozenset(
    {"hevc", "av1", "mpeg1video", "mpeg2video", "prores", "dnxhd", "mjpeg", "ffv1", "dvvideo"}
)

#: So many pictures after damage a picture that is missing counts as lost, whatever the codec.
_DOUBTFUL = 16


class Decoded(NamedTuple):
    """A picture. `damaged`: the decoder says so, or it was lost and this is the one before it."""

    number: int
    picture: av.VideoFrame
    damaged: bool


def decoded_pictures(path: Path, index: FrameIndex, start: int) -> Iterator[Decoded]:
    """The pictures from number `start` on. Raises VaderError where the container cannot be read any more."""
    following = start
    if start and index.exact and start < len(index):
        for decoded in _entered(path, index, start):
            if decoded is None or decoded.number != following:
                break  # this file cannot be entered here: read it from the beginning
            yield decoded
            following += 1
        else:
            if following > start:
                return
    with opened(path) as container:
        numbered = _numbered(_decoded(container, path), index)
        for decoded in completed(numbered, index, _codec(container, path)):
            if decoded is not None and decoded.number >= following:
                yield decoded


def _entered(path: Path, index: FrameIndex, start: int) -> Iterator[Decoded | None]:
    """Pictures from `start` on, beginning at the keyframe before; None for one that has no place in the index."""
    with opened(path) as container:
        stream = main_stream(container, path)
        try:
            container.seek(index.key_before(start), stream=stream)
        except av.error.FFmpegError:
            return
        numbered = _looked_up(_decoded(container, path), index)
        for decoded in completed(numbered, index, _codec(container, path)):
            if decoded is None or decoded.number >= start:
                yield decoded


def _codec(container: av.container.InputContainer, path: Path) -> str:
    return main_stream(container, path).codec.canonical_name


def _decoded(container: av.container.InputContainer, path: Path) -> Iterator[av.VideoFrame | None]:
    """Pictures; None for a packet that cannot be decoded.

    Before the first picture such packets are nothing: recordings often begin in the middle of a picture.
    """
    stream = main_stream(container, path)
    # Each further frame that is decoded at the same time is another frame in memory.
    stream.thread_type = "SLICE" if stream.width * stream.height > LARGE_FRAME else "AUTO"
    decode = decoder_of(stream)
    count = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            raise VaderError(
                f"{path} is damaged after frame {count}: {error.strerror}",
                hint=f"leave the damage out: ffmpeg -err_detect ignore_err -i '{path.name}' repaired.mkv",
            ) from error
        if packet is None:
            return
        try:
            pictures = decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            if count:
                yield None
            continue
        count += len(pictures)
        yield from pictures


def _looked_up(
    pictures: Iterator[av.VideoFrame | None], index: FrameIndex
) -> Iterator[tuple[int | None, av.VideoFrame | None]]:
    for picture in pictures:
        yield None if picture is None else index.find(picture.pts), picture


def _numbered(
    pictures: Iterator[av.VideoFrame | None], index: FrameIndex
) -> Iterator[tuple[int | None, av.VideoFrame | None]]:
    """Gives each picture its number in the index.

    A picture whose timestamp comes early is either the one after a lost picture, and keeps its time, or the file mixed
    up the times of neighbours; then pictures, and those that are lost, are numbered as they come.
    """
    following, mixed_up = 0, not index.exact
    ahead: deque[av.VideoFrame | None] = deque()
    while ahead or (taken := list(islice(pictures, 1))):
        picture = ahead.popleft() if ahead else taken[0]
        if picture is None and not mixed_up:
            yield None, None
            continue
        number = following if mixed_up or picture is None else index.find(picture.pts)
        if number is None or number < following:
            number, mixed_up = following, True
        elif number > following:
            ahead.extend(islice(pictures, _MIXED_UP - len(ahead)))
            if any((index.find(later.pts) or 0) < number for later in ahead if later is not None):
                number, mixed_up = following, True
        yield number, picture
        following = number + 1


def completed(
    numbered: Iterator[tuple[int | None, av.VideoFrame | None]], index: FrameIndex, codec: str
) -> Iterator[Decoded | None]:
    """Puts the picture before in the place of each that was lost, as players do.

    None for a picture without a number. A missing number is a lost picture where the codec makes one of every packet,
    and near damage: where the decoder has refused a packet, or calls a picture damaged.
    """
    last: Decoded | None = None
    doubtful = 0
    for number, picture in numbered:
        is_damaged = picture is None or bool(picture.is_corrupt)
        doubtful = _DOUBTFUL if is_damaged else max(doubtful - 1, 0)
        if number is None:
            if picture is not None:
                yield None
            continue
        if last is not None and (doubtful or codec in _ONE_EACH):
            yield from _repeated(last, number)
        if picture is None and last is None:
            continue
        last = Decoded(number, picture or last.picture, is_damaged)  # type: ignore[union-attr]
        yield last
    if last is not None and index.exact and (doubtful or codec in _ONE_EACH):
        yield from _repeated(last, len(index))


def _repeated(last: Decoded, stop: int) -> Iterator[Decoded]:
    """The picture again for each number after it, up to `stop`."""
    return (Decoded(lost, last.picture, True) for lost in range(last.number + 1, stop))
