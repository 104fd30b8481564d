"""Joins segments with everything else of the source into the finished file."""

import heapq
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from mlx_vader.errors import VaderError
from mlx_vader.video.clock import start_shift
from mlx_vader.video.codecs import Encoding
from mlx_vader.video.copying import Copies, add_copies, copy_chapters
from mlx_vader.video.files import check_target
from mlx_vader.video.library import (
    close_quietly,
    is_cover,
    main_stream,
    muxer,
    opened,
    opened_in_full,
    writing,
)
from mlx_vader.video.segments import Segment
from mlx_vader.video.splicing import Splices, Splicing, numbered
from mlx_vader.video.tags import describe_alike, lasting, lost_tags
from mlx_vader.writing import partial_path, written_beside

#: What MP4 stores where every player looks; other keys need Apple's newer kind of metadata.
_CLASSIC_KEYS = frozenset(
    {
        "title",
        "artist",
        "album_artist",
        "composer",
        "album",
        "date",
        "comment",
        "genre",
        "copyright",
        "grouping",
        "lyrics",
        "description",
        "synopsis",
        "show",
        "episode_id",
        "network",
        "keywords",
        "track",
        "disc",
        "creation_time",
        "encoding_tool",
        "handler_name",
        "compilation",
    }
)

#: Ticks a second in which MP4 says when its streams begin: finer than those of any stream, so that rounding undoes it.
_MOVIE_TIMESCALE = 1_000_000


def assemble(
    segments: Sequence[Segment],
    target: str | os.PathLike[str],
    encoding: Encoding,
    source: str | os.PathLike[str] | None = None,
    *,
    comment: str = "",
    splices: Splices | None = None,
) -> tuple[str, ...]:
    """Writes `target` from the segments' pictures and all else of `source`; nothing is encoded again.

    `comment`: what the file says of itself, if not what its source said. `splices`: those of the source, where segments
    stand for packets of it. Returns what of the source the file does not hold: covers, attachments, data, empty
    streams, tags and titles, by their names. The file appears under its name when it is complete.
    """
    path = check_target(target, source)
    if not segments:
        raise VaderError(f"there are no frames to write to {path}")
    with written_beside(path) as partial, ExitStack() as stack:
        first = segments[0].first_pts * encoding.time_base
        joint = _Joint(segments, encoding, path, splices, stack)
        output = _Output(partial, path, encoding, source, stack, first, joint.extradata, comment)
        with writing(path):
            for packet in output.merged(joint):
                output.container.mux_one(packet)
            output.container.close()
        return output.left_out(partial)


def check_output(
    target: str | os.PathLike[str],
    encoding: Encoding,
    source: str | os.PathLike[str] | None = None,
    splices: Splices | None = None,
) -> None:
    """Raises what `assemble` would raise for these, before any work is done; leaves nothing behind."""
    path = check_target(target, source)
    partial = partial_path(path)
    try:
        with ExitStack() as stack:
            output = _Output(partial, path, encoding, source, stack)
            if splices is not None:
                _splicing(splices, output.video.codec_context.extradata, encoding, path)
    finally:
        partial.unlink(missing_ok=True)


class _Joint:
    """The segments as one stream. `extradata`: what its decoder must know first."""

    def __init__(
        self,
        segments: Sequence[Segment],
        encoding: Encoding,
        target: Path,
        splices: Splices | None,
        stack: ExitStack,
    ) -> None:
        self._segments, self._time_base = segments, encoding.time_base
        self._splicing: Splicing | None = None
        self.extradata, self._delay = _described([segment for segment in segments if not segment.copied])
        if splices is not None:
            source = stack.enter_context(opened(splices.path))
            self._source = numbered(source, splices.path)
            self._splicing = _splicing(splices, self.extradata, encoding, target)
            self.extradata = self._splicing.record
            self._delay = max(self._delay, splices.delay)

    def packets(self, shift: int) -> Iterator[tuple[Any, int]]:
        """Packets `shift` ticks later, and by how many of them decoding runs ahead of display."""
        for number, (copied, group) in enumerate(groupby(self._segments, lambda segment: segment.copied)):
            for packet in self._copied(list(group), number) if copied else chain(*map(self._encoded, group)):
                packet.pts, packet.dts = packet.pts + shift, None
                yield packet, self._delay

    def _copied(self, segments: Sequence[Segment], number: int) -> Iterator[Any]:
        if self._splicing is None:
            raise VaderError(f"{segments[0].path} stands for packets of a source that is not there")
        frames = sum(segment.frames for segment in segments)
        return self._splicing.copied(self._source, segments[0].first_pts, frames, opening=number == 0)

    def _encoded(self, segment: Segment) -> Iterator[Any]:
        with opened(segment.path) as container:
            offset = None
            for packet in container.demux(container.streams.video[0]):
                if packet.pts is None:
                    continue
                ticks = round(packet.pts * packet.time_base / self._time_base)
                if offset is None:  # the first packet is the keyframe that is shown first
                    offset = segment.first_pts - ticks
                made = self._splicing.encoded(packet) if self._splicing else packet
                made.time_base, made.pts = self._time_base, ticks + offset
                yield made


def _splicing(splices: Splices, encoded: bytes | None, encoding: Encoding, target: Path) -> Splicing:
    """MP4's name for HEVC that players want says that no packet holds parameter sets."""
    bare = encoding.encoder.tag == "hvc1" and muxer(target) in {"mp4", "mov"}
    return Splicing(splices, encoded, bare=bare)


def _described(segments: Sequence[Segment]) -> tuple[bytes | None, int]:
    """What the decoder must know first, and by how many packets it runs ahead of display.

    The former is the same for all segments, or they cannot be one stream.
    """
    found, delay = set(), 0
    for segment in segments:
        with opened(segment.path) as container:
            context = container.streams.video[0].codec_context
            found.add(context.extradata)
            delay = max(delay, context.reorder_depth)
    if len(found) > 1:
        raise VaderError(
            "the segments were encoded by different encoders",
            hint="start the job anew: delete its folder of segments",
        )
    return (found.pop() if found else None), delay


class _Output:
    """An open output with its header written."""

    def __init__(
        self,
        partial: Path,
        target: Path,
        encoding: Encoding,
        source: str | os.PathLike[str] | None,
        stack: ExitStack,
        first: Fraction = Fraction(0),
        extradata: bytes | None = None,
        comment: str = "",
    ) -> None:
        """`first`: when the first picture is shown, in seconds."""
        self.copies: Copies | None = None
        self._time_base = encoding.time_base
        self._last_duration = encoding.last_duration
        origin = stack.enter_context(opened_in_full(source)) if source is not None else None
        self._shift = start_shift(origin, first)
        with writing(target):
            self.container = av.open(
                f"file:{partial}", "w", format=muxer(target), options=_options(target, origin)
            )
            stack.callback(close_quietly, self.container)
            self.video = encoding.add_stream(self.container)
            if extradata is not None:
                self.video.codec_context.extradata = extradata
            if origin is not None:
                self._carry_over(origin, Path(source or ""), target)
            if comment:
                self.container.metadata["comment"] = comment
            self.container.start_encoding()

    def _carry_over(self, origin: InputContainer, source: Path, target: Path) -> None:
        main = main_stream(origin, source)
        describe_alike(main, self.video)
        _drop_false_alpha(self.video)
        self.container.metadata.update(lasting(origin.metadata))
        self.copies = add_copies(origin, main, self.container, target)
        self.copies.places[main.index] = self.video.index
        copy_chapters(origin, self.container, self._shift)

    def merged(self, joint: _Joint) -> Iterator[Packet]:
        """All packets by decoding time, so that no stream runs ahead of the others."""
        pictures = self._pictures(joint)
        others = self.copies.packets(self._shift) if self.copies else iter(())
        return heapq.merge(pictures, others, key=_decoding_time)

    def left_out(self, finished: Path) -> tuple[str, ...]:
        """What the source holds and the finished file does not."""
        if self.copies is None:
            return ()
        with opened(finished) as written:
            lost = lost_tags(self.copies.source, written, self.copies.places)
        return (*self.copies.left_out, *lost)

    def _pictures(self, joint: _Joint) -> Iterator[Packet]:
        shift = round(self._shift / self._time_base)
        for packet in with_decoding_times(joint.packets(shift), self._last_duration):
            packet.stream = self.video
            yield packet


def _drop_false_alpha(picture: VideoStream) -> None:
    """The source's text may say that there is alpha where there is none any more."""
    if not any(component.is_alpha for component in av.VideoFormat(picture.pix_fmt or "").components):
        for key in [key for key in picture.metadata if key.lower() == "alpha_mode"]:
            del picture.metadata[key]


def _decoding_time(packet: Any) -> float:
    return float(packet.dts * packet.time_base)


def with_decoding_times(packets: Iterator[tuple[Any, int]], duration: int) -> Iterator[Packet]:
    """Gives packets in decoding order increasing decoding times, none later than their display times.

    With a decoder that holds back d pictures, packet i is decoded when picture i - d is shown. The first d come
    `duration` apart, before anything is shown; of the packets' durations only the last counts.
    """
    waiting: list[int] = []
    for count, (packet, delay) in enumerate(packets):
        if count == 0:
            first, held = packet.pts, delay
        heapq.heappush(waiting, packet.pts)
        packet.dts = heapq.heappop(waiting) if count >= held else first - (held - count) * duration
        packet.duration = duration
        yield packet


def _options(target: Path, origin: InputContainer | None) -> dict[str, str]:
    if target.suffix.lower() not in {".mp4", ".m4v", ".mov"}:
        return {}
    options = {"movie_timescale": str(_MOVIE_TIMESCALE)}
    if origin is not None and _needs_newer_metadata(origin):
        options["movflags"] = "use_metadata_tags"
    return options


def _needs_newer_metadata(origin: InputContainer) -> bool:
    """A cover has its place among the classic keys only, and goes first."""
    has_cover = any(is_cover(stream) for stream in origin.streams.video)
    return not has_cover and any(key.lower() not in _CLASSIC_KEYS for key in lasting(origin.metadata))
