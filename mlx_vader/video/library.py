"""PyAV as the rest of the room uses it: quiet, and failing in our words."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

# SVT-AV1 writes to stderr by itself unless it is told not to before it is first loaded.
os.environ.setdefault("SVT_LOG", "1")

import av
import av.error
import av.logging
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.sidedata.sidedata import Type
from av.video.stream import VideoStream

from mlx_vader.errors import VaderError
from mlx_vader.video.files import check_source
from mlx_vader.writing import write_failure

av.logging.set_level(None)
av.logging.set_libav_level(av.logging.PANIC)

_DECODERS_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


#: How far to read for the parameters of streams that begin late in a broadcast: bytes and microseconds.
_FAR = {"probesize": str(64 << 20), "analyzeduration": str(120 * av.time_base)}


@contextmanager
def opened(path: str | os.PathLike[str], options: dict[str, str] | None = None) -> Iterator[InputContainer]:
    """The container of a media file, closed in the end."""
    source = check_source(path)
    try:
        # Old files carry names in any encoding: a title is no reason to refuse the video.
        container = av.open(f"file:{source}", metadata_errors="replace", options=options)
    except av.error.FFmpegError as error:
        raise _unreadable(source, error) from error
    with container:
        yield container


@contextmanager
def opened_in_full(path: str | os.PathLike[str]) -> Iterator[InputContainer]:
    """A container like `opened`, with the parameters of streams that begin late too."""
    with ExitStack() as stack:
        container = stack.enter_context(opened(path))
        if any(not stream.codec_context.sample_rate for stream in container.streams.audio):
            container = stack.enter_context(opened(path, _FAR))
        yield container


def main_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream that is the picture: the best video stream that is not cover art."""
    pictures = [stream for stream in container.streams.video if not is_cover(stream)]
    best = container.streams.best("video")
    if best in pictures:
        return best
    if pictures:
        return pictures[0]
    raise VaderError(f"{path} has no video stream", hint=_what_it_holds(container))


def is_cover(stream: av.stream.Stream) -> bool:
    """Whether a video stream is a still picture of the album."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def decoder_of(stream: VideoStream) -> Callable[[Packet], list[av.VideoFrame]]:
    """What turns a stream's packets into pictures; an empty packet is the last.

    FFmpeg's own decoders of VP8 and VP9 would leave out alpha.
    """
    name = _DECODERS_WITH_ALPHA.get(stream.codec.canonical_name, "")
    if (
        stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) != "1"
        or name not in av.codecs_available
    ):
        return lambda packet: packet.decode()
    context: Any = av.CodecContext.create(name, "r")
    return lambda packet: context.decode(packet if packet.size else None)


def side_data(frame: av.VideoFrame, kind: Type) -> bytes | None:
    """What a decoded frame carries of one kind besides its picture."""
    found: list[Any] = [entry for entry in frame.side_data if getattr(entry, "type", None) == kind]
    return bytes(found[0]) if found else None


def muxer(target: Path) -> str:
    """FFmpeg's name of the container that a file's suffix stands for."""
    return {".mkv": "matroska", ".webm": "webm", ".mov": "mov"}.get(target.suffix.lower(), "mp4")


def _what_it_holds(container: InputContainer) -> str:
    kinds = sorted({stream.type for stream in container.streams if not is_cover(stream)})
    return f"it holds {' and '.join(kinds)} only" if kinds else "it holds no stream at all"


def _unreadable(path: Path, error: av.error.FFmpegError) -> VaderError:
    if path.suffix.lower() in {".mp4", ".mov", ".m4v"} and _begins_like_mp4(path):
        return VaderError(
            f"{path} is cut short or damaged: its index is missing", hint="copy, download or record it again"
        )
    return VaderError(f"{path} is not a video that can be read", hint=f"FFmpeg says: {error.strerror}")


def _begins_like_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"}


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Says in one line why FFmpeg could not write `target`."""
    try:
        yield
    except av.error.FFmpegError as error:
        if error.errno in _FULL_DISK:
            raise write_failure(target, OSError(error.errno, error.strerror)) from error
        raise VaderError(f"{target} cannot be written: {error.strerror}") from error


def close_quietly(container: OutputContainer) -> None:
    """Closes a container whose contents no longer matter."""
    with suppress(av.error.FFmpegError, ValueError):
        container.close()
