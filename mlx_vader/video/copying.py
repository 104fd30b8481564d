"""Carries over what is not the picture: audio, subtitles, covers, attachments, chapters and metadata."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from mlx_vader.errors import UsageError
from mlx_vader.video.clock import Clock
from mlx_vader.video.library import is_cover

#: What subtitles become where the container cannot hold them as they are.
_TEXT_SUBTITLES = {
    ".mp4": "mov_text",
    ".m4v": "mov_text",
    ".mov": "mov_text",
    ".mkv": "subrip",
    ".webm": "webvtt",
}

#: Text that is written for one container or stream and false in another.
_STALE = frozenset(
    {
        "major_brand",
        "minor_version",
        "compatible_brands",
        "encoder",
        "vendor_id",
        "rotate",
        "duration",
        "bps",
        "number_of_frames",
        "number_of_bytes",
        "_statistics_writing_app",
        "_statistics_writing_date_utc",
        "_statistics_tags",
    }
)


@dataclass
class Copies:
    """The streams of a source that go into an output, and what was left out because the output cannot hold it."""

    source: InputContainer
    ways: dict[int, Callable[[Packet], list[Packet]]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def packets(self, shift: Fraction) -> Iterator[Packet]:
        """The packets for the output in the source's order, `shift` seconds later."""
        streams = [self.source.streams[index] for index in self.ways]
        if not streams:
            return
        last: dict[int, int] = {}
        for packet in Clock(self.source).packets(streams):
            if not packet.size:
                continue  # the end of a stream
            index = packet.stream.index
            for ready in self.ways[index](packet):
                _shift(ready, shift)
                _keep_order(ready, last, index)
                yield ready


def _shift(packet: Any, shift: Fraction) -> None:
    ticks = round(shift / packet.time_base) if shift else 0
    known = [time for time in (packet.pts, packet.dts) if time is not None] or [0]  # a cover has no time
    packet.pts, packet.dts = known[0] + ticks, known[-1] + ticks


def _keep_order(packet: Any, last: dict[int, int], index: int) -> None:
    """Muxers refuse a packet that is to be decoded before its forerunner: such a one is moved later, as ffmpeg does."""
    before = last.get(index)
    if before is not None and packet.dts <= before:
        packet.dts = before + 1
        packet.pts = max(packet.pts, packet.dts)
    last[index] = packet.dts


def add_copies(source: InputContainer, main: Stream, output: OutputContainer, target: Path) -> Copies:
    """Adds to `output` every stream of `source` but the picture itself.

    Raises `UsageError` for audio, video or subtitles that the container cannot hold. Covers, attachments and data that
    it cannot hold are left out.
    """
    copies = Copies(source)
    for stream in source.streams:
        if stream.index == main.index or _is_chapter_track(stream):
            continue
        if stream.type == "subtitle":
            copies.ways[stream.index] = _add_subtitles(stream, output, target)
        elif stream.type in {"audio", "video"} and not is_cover(stream):
            copies.ways[stream.index] = _copier(_add_copy(stream, output, target))
        else:
            _add_if_possible(stream, output, target, copies)
    return copies


def _add_copy(stream: Stream, output: OutputContainer, target: Path) -> Stream:
    try:
        copy = output.add_stream_from_template(stream, opaque=True)
    except (ValueError, av.error.FFmpegError) as error:
        raise UsageError(
            f"{target.suffix} cannot hold {stream.type} stream {stream.index} ({_codec(stream)}) of the source",
            hint=f"write {target.with_suffix('.mkv').name} instead",
        ) from error
    _describe_alike(stream, copy)
    return copy


def _add_if_possible(stream: Any, output: OutputContainer, target: Path, copies: Copies) -> None:
    """Covers and attachments; data streams mean little outside the file that they were made for."""
    try:
        if stream.type == "video" and target.suffix.lower() == ".mkv":
            _attach_cover(stream, output, copies.source)
            return
        if stream.type == "video":
            copies.ways[stream.index] = _copier(_add_copy(stream, output, target))
            return
        if stream.type == "attachment" and target.suffix.lower() == ".mkv":
            _add_copy(stream, output, target)
            return
    except UsageError:
        pass
    copies.left_out.append(f"{stream.type} stream {stream.index} ({_codec(stream)})")


def _attach_cover(stream: Any, output: OutputContainer, source: InputContainer) -> None:
    """Matroska keeps a cover as an attached file."""
    picture = next(packet for packet in source.demux(stream) if packet.size)
    source.seek(0)
    kind = {"mjpeg": "jpeg"}.get(_codec(stream), _codec(stream))
    name = stream.metadata.get("filename", f"cover.{kind.replace('jpeg', 'jpg')}")
    output.add_attachment(name, stream.metadata.get("mimetype", f"image/{kind}"), bytes(picture))


def _add_subtitles(stream: Any, output: OutputContainer, target: Path) -> Callable[[Packet], list[Packet]]:
    if _codec(stream) in output.supported_codecs or _codec(stream) == _TEXT_SUBTITLES[target.suffix.lower()]:
        copied = _copier(_add_copy(stream, output, target))
        return _without_gaps(copied) if _codec(stream) == "mov_text" else copied
    context = stream.codec_context
    if context is None or not context.codec.text_sub:
        raise UsageError(
            f"{target.suffix} cannot hold subtitle stream {stream.index} ({_codec(stream)}) of the source",
            hint=f"write {target.with_suffix('.mkv').name} instead",
        )
    context.open(strict=False)
    copy: Any = output.add_stream(_TEXT_SUBTITLES[target.suffix.lower()])
    copy.codec_context.subtitle_header = context.subtitle_header
    copy.time_base = copy.codec_context.time_base = stream.time_base
    _describe_alike(stream, copy)
    return _transcoder(stream, copy)


def _is_chapter_track(stream: Any) -> bool:
    """MP4 keeps chapters a second time in a track of text; whoever writes them adds it anew."""
    return bool(stream.type == "data" and stream.name == "bin_data")


def _copier(copy: Stream) -> Callable[[Packet], list[Packet]]:
    def copied(packet: Packet) -> list[Packet]:
        packet.stream = copy
        return [packet]

    return copied


def _without_gaps(copied: Callable[[Packet], list[Packet]]) -> Callable[[Packet], list[Packet]]:
    """MP4 fills the time between subtitles with empty ones; whoever writes it adds them anew."""

    def shown(packet: Packet) -> list[Packet]:
        return copied(packet) if bytes(packet)[:2] != b"\0\0" else []

    return shown


def _transcoder(stream: Any, copy: Any) -> Callable[[Packet], list[Packet]]:
    def transcoded(packet: Packet) -> list[Packet]:
        subtitles = stream.codec_context.decode2(packet)
        if subtitles is None:
            return []
        written = copy.codec_context.encode_subtitle(subtitles)
        written.pts, written.dts, written.duration = packet.pts, packet.dts, packet.duration
        written.time_base = packet.time_base
        written.stream = copy
        return [written]

    return transcoded


def _codec(stream: Stream) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"


def _describe_alike(stream: Stream, copy: Stream) -> None:
    copy.metadata.update(lasting(stream.metadata))
    copy.disposition = stream.disposition


def lasting(metadata: dict[str, str]) -> dict[str, str]:
    """What of a container's or stream's metadata is true of its copy too."""
    return {key: text for key, text in metadata.items() if key.lower().removesuffix("-eng") not in _STALE}


def copy_chapters(source: InputContainer, output: OutputContainer, shift: Fraction) -> None:
    """Chapters with their titles, `shift` seconds later."""
    chapters = source.chapters()
    for chapter in chapters:
        ticks = round(shift / chapter["time_base"]) if shift and chapter["time_base"] else 0
        chapter["start"] += ticks
        chapter["end"] += ticks
    if chapters:
        output.set_chapters(chapters)
