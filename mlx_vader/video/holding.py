"""Which streams a container can hold. FFmpeg's tables do not tell: a muxer says so when its header is written."""

import io
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.stream import Stream

from mlx_vader.video.library import close_quietly, is_cover, muxer

#: What subtitles become where the container cannot hold them as they are.
TEXT_SUBTITLES = {
    ".mp4": "mov_text",
    ".m4v": "mov_text",
    ".mov": "mov_text",
    ".mkv": "subrip",
    ".webm": "webvtt",
}


def first_unheld(source: InputContainer, picture: Stream, suffix: str) -> Stream | None:
    """The first stream besides the picture that must not be left out, and that files of a suffix cannot hold."""
    others = [stream for stream in source.streams if stream.index != picture.index]
    needed = [stream for stream in others if is_needed(stream) and not is_empty(stream)]
    return next((stream for stream in needed if not is_held(stream, suffix)), None)


def is_held(stream: Stream, suffix: str) -> bool:
    """Whether files of a suffix hold a stream as it is, or the text of subtitles in another form."""
    if is_text(stream) and suffix in TEXT_SUBTITLES:
        return True
    trial = av.open(io.BytesIO(), "w", format=muxer(Path(f"trial{suffix}")))
    try:
        trial.add_stream_from_template(stream, opaque=True)
        trial.start_encoding()
    except (ValueError, av.error.FFmpegError):
        return False
    finally:
        close_quietly(trial)
    return True


def is_needed(stream: Stream) -> bool:
    """Whether a file without this stream would not do: covers, attachments and data may be left out."""
    return stream.type == "subtitle" or (stream.type in {"audio", "video"} and not is_cover(stream))


def is_text(stream: Any) -> bool:
    """Whether it is subtitles made of text, not of pictures."""
    context = stream.codec_context
    return stream.type == "subtitle" and context is not None and bool(context.codec.text_sub)


def is_empty(stream: Any) -> bool:
    """Whether a stream is announced and never comes, so that not even its parameters are known."""
    context = stream.codec_context
    if context is None or is_cover(stream):
        return False
    return (stream.type == "audio" and not context.sample_rate) or (
        stream.type == "video" and not context.width
    )


def named(stream: Stream, *remarks: str) -> str:
    """For messages: "audio stream 1 (aac)", and with remarks "audio stream 1 (aac, empty)"."""
    return f"{stream.type} stream {stream.index} ({', '.join([codec_of(stream), *remarks])})"


def codec_of(stream: Stream) -> str:
    """FFmpeg's name of a stream's codec."""
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
