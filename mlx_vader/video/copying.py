"""Carries over what is not the picture: audio, subtitles, covers, attachments, chapters and metadata."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from mlx_vader.errors import UsageError
from mlx_vader.video.clock import Clock
from mlx_vader.video.holding import (
    TEXT_SUBTITLES,
    codec_of,
    first_unheld,
    is_empty,
    is_held,
    is_needed,
    is_text,
    named,
)
from mlx_vader.video.tags import describe_alike


@dataclass
class Copies:
    """The streams of a source that go into an output, and what was left out because the output cannot hold it.

    `ways` and `places` are by a stream's index in the source: what makes the output's packets, the index there.
    """

    source: InputContainer
    ways: dict[int, Callable[[Packet], list[Packet]]] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, stream: Stream, copy: Stream, way: Callable[[Packet], list[Packet]]) -> None:
        """A stream that goes into the output."""
        self.ways[stream.index], self.places[stream.index] = way, copy.index

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
    it cannot hold are left out, and so are streams that are announced and never come.
    """
    copies, suffix = Copies(source), target.suffix.lower()
    for stream in source.streams:
        if stream.index == main.index or _is_written_anew(stream, main):
            continue
        if is_empty(stream):
            copies.left_out.append(named(stream, "empty"))
        elif not is_needed(stream):
            _add_if_possible(stream, output, target, copies)
        elif not is_held(stream, suffix):
            raise UsageError(
                f"{target.suffix} cannot hold {named(stream)} of the source",
                hint=_way_out(source, main, stream, target),
            )
        elif is_text(stream) and codec_of(stream) not in {*output.supported_codecs, TEXT_SUBTITLES[suffix]}:
            _add_transcoded(stream, output, TEXT_SUBTITLES[suffix], copies)
        else:
            _add_copy(stream, output, copies)
    return copies


def _way_out(source: InputContainer, main: Stream, unheld: Stream, target: Path) -> str:
    for suffix in (".mkv", ".mp4", ".mov"):
        if first_unheld(source, main, suffix) is None:
            return f"write {target.with_suffix(suffix).name} instead"
    name = Path(source.name.removeprefix("file:")).name
    change = "-c:a flac" if unheld.type == "audio" else f"-map -0:{unheld.index}"
    return f"clean a copy: ffmpeg -i '{name}' -map 0 -c copy {change} copy.mkv"


def _is_written_anew(stream: Stream, main: Stream) -> bool:
    """MP4 keeps chapters a second time in a track of text, and the timecode of the picture in a track of its own."""
    if stream.type != "data":
        return False
    timecode = stream.metadata.get("timecode")
    return stream.name == "bin_data" or (timecode is not None and timecode == main.metadata.get("timecode"))


def _add_copy(stream: Stream, output: OutputContainer, copies: Copies) -> None:
    copy = output.add_stream_from_template(stream, opaque=True)
    describe_alike(stream, copy)
    way = _copier(copy)
    if stream.type == "audio":
        way = _without_hidden(way)
    elif codec_of(stream) == "mov_text":
        way = _without_gaps(way)
    copies.add(stream, copy, way)


def _add_if_possible(stream: Any, output: OutputContainer, target: Path, copies: Copies) -> None:
    """Covers and attachments; data streams mean little outside the file that they were made for."""
    suffix = target.suffix.lower()
    if stream.type == "video" and suffix == ".mkv":
        _attach_cover(stream, output, copies.source)
    elif stream.type == "video" and is_held(stream, suffix):
        _add_copy(stream, output, copies)
    elif stream.type == "attachment" and suffix == ".mkv":
        describe_alike(stream, output.add_stream_from_template(stream, opaque=True))
    else:
        copies.left_out.append(named(stream))


def _attach_cover(stream: Any, output: OutputContainer, source: InputContainer) -> None:
    """Matroska keeps a cover as an attached file."""
    picture = next(packet for packet in source.demux(stream) if packet.size)
    source.seek(0)
    kind = {"mjpeg": "jpeg"}.get(codec_of(stream), codec_of(stream))
    name = stream.metadata.get("filename", f"cover.{kind.replace('jpeg', 'jpg')}")
    output.add_attachment(name, stream.metadata.get("mimetype", f"image/{kind}"), bytes(picture))


def _add_transcoded(stream: Any, output: OutputContainer, codec: str, copies: Copies) -> None:
    context = stream.codec_context
    context.open(strict=False)
    copy: Any = output.add_stream(codec)
    copy.codec_context.subtitle_header = context.subtitle_header
    copy.time_base = copy.codec_context.time_base = stream.time_base
    describe_alike(stream, copy)
    copies.add(stream, copy, _transcoder(stream, copy))
    if codec_of(stream) == "ass":
        copies.left_out.append(f"style of {named(stream)}")


def _copier(copy: Stream) -> Callable[[Packet], list[Packet]]:
    def copied(packet: Packet) -> list[Packet]:
        packet.stream = copy
        return [packet]

    return copied


def _without_hidden(copied: Callable[[Packet], list[Packet]]) -> Callable[[Packet], list[Packet]]:
    """Sound that an edit list hides stays away: Matroska would play it. One packet of it, decoders need to begin."""
    waiting: list[Packet] = []
    begun = False

    def shown(packet: Packet) -> list[Packet]:
        nonlocal waiting, begun
        if packet.is_discard:
            waiting = [] if begun else [packet]
            return []
        ready, waiting, begun = [*waiting, packet], [], True
        return [copy for one in ready for copy in copied(one)]

    return shown


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


def copy_chapters(source: InputContainer, output: OutputContainer, shift: Fraction) -> None:
    """Chapters with their titles, `shift` seconds later."""
    chapters = source.chapters()
    for chapter in chapters:
        ticks = round(shift / chapter["time_base"]) if shift and chapter["time_base"] else 0
        chapter["start"] += ticks
        chapter["end"] += ticks
    if chapters:
        output.set_chapters(chapters)
