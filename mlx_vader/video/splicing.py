"""Which parts of an H.264 or HEVC video can be copied as they are coded, and how others are to be coded beside them.

A part begins with a picture at which decoding can begin. Pictures that follow it in the stream and are shown before it
may lean on the part before: they are copied with both parts or not at all. A stream of pictures of two encoders has the
parameter sets of both in its one record, under numbers of their own: copied packets stay as they are, and decoding can
begin at every part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.packet import Packet

from mlx_vader.errors import VaderError
from mlx_vader.video.clock import Clock
from mlx_vader.video.codecs import Encoding
from mlx_vader.video.color import FULL_RANGE
from mlx_vader.video.index import FrameIndex
from mlx_vader.video.info import VideoInfo, examine
from mlx_vader.video.layouts import planar_name
from mlx_vader.video.library import main_stream, opened
from mlx_vader.video.nal import LENGTH_SIZE, packet_of, units_of
from mlx_vader.video.parameter_sets import (
    SequenceFacts,
    facts_of,
    free_id,
    is_set,
    record_of,
    set_id,
    unit_type,
    units_of_record,
)
from mlx_vader.video.renumbering import Renumbering
from mlx_vader.video.segments import COPIED, Segment
from mlx_vader.video.siting import Siting

_CODECS = {"libx264": "h264", "libx265": "hevc"}

#: Types of units: pictures, and those at which decoding can begin. Behind HEVC's CRA may come pictures that lean on
#: what was before it; BLA_N_LP is the same picture without them.
_PICTURES = {"h264": frozenset(range(1, 6)), "hevc": frozenset(range(32))}
_HEVC_CRA, _HEVC_BLA_N_LP = 21, 18
_BEGINS = {"h264": frozenset({5}), "hevc": frozenset({19, 20, _HEVC_CRA})}

#: Where encoders write their names and settings: the type of such units, the place that tells their kind, and the kind.
_NOTES = {"h264": (6, 1), "hevc": (39, 2)}
_FREE_TEXT = 5

#: What libx264 calls H.264's profiles.
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}


@dataclass(frozen=True, eq=False)
class Splices:
    """Where a video can be taken apart.

    Arrays with an entry for each part: `frames`, where it begins, and one more, the number of all; `packets`, where in
    the stream; `leading`, how many packets behind its first are shown before it, and may lean on the part before;
    `copyable`, whether it can be copied. A copy begins with a part, and ends before one of the frames in `cuts`: of the
    stream up to `cut_packets` all is shown earlier. `delay`: by how many packets decoding runs ahead of display.
    `sets`: all that the stream's record holds. `number`: that of none of them.
    """

    path: Path
    index: FrameIndex
    codec: str
    length_size: int
    sets: tuple[bytes, ...]
    number: int
    delay: int
    frames: np.ndarray
    packets: np.ndarray
    leading: np.ndarray
    copyable: np.ndarray
    cuts: np.ndarray
    cut_packets: np.ndarray

    def begins(self, frame: int) -> bool:
        """Whether a part begins with this frame."""
        return bool(self.frames[self.part_of(frame)] == frame)

    def may_copy(self, frame: int) -> bool:
        """Whether the part that a frame is in can be copied."""
        return bool(self.copyable[self.part_of(frame)])

    def part_of(self, frame: int) -> int:
        """The number of the part that a frame is in."""
        return int(np.searchsorted(self.frames[:-1], frame, side="right")) - 1

    def cut_before(self, frame: int) -> int:
        """The last frame, at most this one, before which a copy may end."""
        return int(self.cuts[np.searchsorted(self.cuts, frame, side="right") - 1])

    @property
    def limit(self) -> str:
        """What keeps copies few, in words; "" for nothing."""
        if np.count_nonzero(self.copyable) > 1:
            return ""
        return "it has one closed group of pictures, and of that only what comes before a mark can be copied"

    @property
    def whole(self) -> Segment | None:
        """A segment that is the whole video, where all of it can be copied."""
        if not self.copyable.all():
            return None
        return Segment(Path(f"all{COPIED}"), 0, self.index.time(0), int(self.frames[-1]))

    @cached_property
    def facts(self) -> SequenceFacts:
        """What the stream says of itself."""
        return facts_of(self.codec, self.sets)[0]

    def matched(self, encoding: Encoding) -> Encoding:
        """The encoding with settings that make its pictures like those of the stream."""
        settings = (_x264_like if self.codec == "h264" else _x265_like)(self)
        if len(self.copyable) == int(self.frames[-1]):  # each part is one picture
            settings["g"] = "1"
        # Where chroma of the full range lies in the middle, that is a guess: the stream does not say so.
        guessed = encoding.color.range == FULL_RANGE and encoding.siting == Siting(
            on_column=False, on_row=False
        )
        siting = None if guessed else encoding.siting
        return replace(encoding, matched=tuple(settings.items()), siting=siting)


def splices_of(path: Path, encoding: Encoding) -> Splices:
    """The parts of a video that is to be encoded like this. Raises VaderError with the reason where it has none."""
    examined = examine(path)
    info, index = examined.info, examined.index
    _check(info, index, encoding)
    with opened(path) as container:
        try:
            scan = _Scan(container, path, info.codec)
            _check_facts(info.codec, facts_of(info.codec, scan.sets))
        except (ValueError, IndexError) as error:
            raise VaderError("its stream cannot be read without decoding it") from error
    number = free_id(info.codec, scan.sets)
    if number is None:
        raise VaderError("its parameter sets leave no number for others")
    units = *scan.sets, *scan.others
    made = Splices(path, index, info.codec, scan.length_size, units, number, scan.delay, *scan.parts(index))
    if not made.copyable.any():
        raise VaderError("it has no closed group of pictures")
    return made


def _check(info: VideoInfo, index: FrameIndex, encoding: Encoding) -> None:
    if info.codec not in _CODECS.values():
        raise VaderError(f"only H.264 and HEVC are copied in part, and it is {info.codec}")
    if _CODECS.get(encoding.codec) != info.codec:
        raise VaderError(f"its {info.codec} becomes {encoding.codec}")
    if planar_name(encoding.pix_fmt) != planar_name(info.pix_fmt):
        raise VaderError(f"its {info.pix_fmt} becomes {encoding.pix_fmt}")
    if info.field_order != "progressive":
        raise VaderError("its frames are interlaced")
    if encoding.orientation != info.orientation:
        raise VaderError("its pictures are turned")
    if not index.exact:
        raise VaderError("it does not say when each of its pictures is shown")


def _check_facts(codec: str, facts: Sequence[SequenceFacts]) -> None:
    if not _is_like(facts, facts[0]):
        raise VaderError("its depth or chroma changes on the way")
    if any(told.fields for told in facts):
        raise VaderError("its pictures may be coded as fields")
    if codec == "h264" and facts[0].profile[0] not in _PROFILES:
        raise VaderError(f"no encoder here writes its profile, number {facts[0].profile[0]} of H.264")


class _Scan:
    """All packets of a stream, looked at once: when each is shown, which begins a part, and the parameter sets."""

    def __init__(self, container: InputContainer, path: Path, codec: str) -> None:
        """Raises ValueError for what cannot be read."""
        self._codec = codec
        stream = main_stream(container, path)
        units, self.length_size = units_of_record(codec, stream.codec_context.extradata or b"")
        self._sets: dict[tuple[int, int], bytes] = {}
        self._learn(units)
        self.others = [unit for unit in units if codec == "hevc" and unit_type(codec, unit) in (39, 40)]
        shown: list[int | None] = []
        begins: list[bool] = []
        hidden: list[bool] = []
        self.skipped = 0
        for _, packet in numbered(container, path):
            if not begins and not packet.is_keyframe:
                self.skipped += 1
                continue
            if packet.has_sidedata("new_extradata"):
                raise VaderError("its parameter sets change on the way")
            kind = self._kind(bytes(packet))
            shown.append(packet.pts)
            begins.append(kind in _BEGINS[codec])
            hidden.append(packet.is_discard)
        self._shown = np.array(shown, np.int64)
        self._begins, self._hidden = np.array(begins, bool), np.array(hidden, bool)

    @property
    def sets(self) -> list[bytes]:
        """The parameter sets, in the order in which a decoder wants them."""
        return [self._sets[key] for key in sorted(self._sets)]

    @property
    def delay(self) -> int:
        """By how many packets decoding runs ahead of display."""
        ranks = np.argsort(np.argsort(self._shown))
        return int((np.arange(len(ranks)) - ranks).max())

    def _kind(self, packet: bytes) -> int:
        """The type of the first unit that is a picture; learns the sets before it."""
        units = units_of(packet, self.length_size)
        self._learn(units)
        kinds = [unit_type(self._codec, unit) for unit in units]
        if any(_is_layer(self._codec, unit) for unit in units):
            raise VaderError("it holds several streams in one")
        if (kind := next((kind for kind in kinds if kind in _PICTURES[self._codec]), None)) is None:
            raise ValueError("a packet holds no picture")
        return kind

    def _learn(self, units: Sequence[bytes]) -> None:
        for unit in units:
            if is_set(self._codec, unit):
                key, content = (unit_type(self._codec, unit), set_id(self._codec, unit)), unit.rstrip(b"\0")
                if self._sets.setdefault(key, content) != content:
                    raise VaderError("its parameter sets change on the way")

    def parts(self, index: FrameIndex) -> tuple[np.ndarray, ...]:
        """The arrays of `Splices`."""
        shown = self._shown
        earliest_from = np.minimum.accumulate(shown[::-1])[::-1]
        apart = np.append(True, np.maximum.accumulate(shown)[:-1] < earliest_from[1:])
        begins = self._begins & apart
        begins[0] = True
        starts = np.flatnonzero(begins)
        stops = np.append(starts[1:], len(shown))
        leading = np.add.reduceat(shown < np.repeat(shown[starts], stops - starts), starts)
        frames = np.append(np.searchsorted(index.times, shown[starts]), len(index))
        own = stops - starts - leading
        hidden = np.add.reduceat(self._hidden, starts) > 0
        copyable = (
            ~hidden & (np.diff(frames) == own + np.append(leading[1:], 0)) & (shown[starts] >= index.times[0])
        )
        copyable[0] &= self._begins[0]
        cut_packets = np.flatnonzero(apart)
        cuts = np.searchsorted(index.times, earliest_from[cut_packets])
        cuts, cut_packets = np.append(cuts, len(index)), np.append(cut_packets, len(shown))
        return frames, starts + self.skipped, leading, copyable, cuts, cut_packets + self.skipped


def _is_layer(codec: str, unit: bytes) -> bool:
    """Whether a unit belongs to a further view or layer, which a record does not describe."""
    if codec == "h264":
        return unit_type(codec, unit) in {15, 20, 21}
    return bool((unit[0] & 1) << 5 | unit[1] >> 3)


def numbered(container: InputContainer, path: Path) -> Iterator[tuple[int, Packet]]:
    """The packets of a file's pictures with their places in the stream."""
    stream = main_stream(container, path)
    return enumerate(packet for packet in Clock(container).packets([stream]) if packet.size)


def _x264_like(splices: Splices) -> dict[str, str]:
    profile, constraints, level = splices.facts.profile
    held = max(splices.facts.held, 1)
    level_1b = profile in {66, 77} and level == 11 and constraints & 0x10
    settings = {
        "profile": _PROFILES[profile],
        "level": "1b" if level_1b else str(level),
        "refs": str(min(held, 3)),
        "x264-params": f"sps-id={splices.number}",
    }
    if held < 4 or splices.delay < 2:
        settings["b-pyramid"] = "none"
    if held < 2 or splices.delay == 0:
        settings["bf"] = "0"
    return settings


def _x265_like(splices: Splices) -> dict[str, str]:
    held = splices.facts.held
    notes = {"open-gop": "0", "repeat-headers": "1", "info": "0", "ref": str(min(max(held - 1, 1), 3))}
    if held < 5 or splices.delay < 2:
        notes["b-pyramid"] = "0"
    if held < 4 or splices.delay == 0:
        notes["bframes"] = "0"
    return {"x265-params": ":".join(f"{name}={value}" for name, value in notes.items())}


class Splicing:
    """Makes one stream of packets that are copied and packets that were encoded. `record`: that of the whole stream."""

    def __init__(self, splices: Splices, encoded: bytes | None, *, bare: bool) -> None:
        """`encoded`: the record of what was encoded, if anything was.

        `bare`: packets are to hold no parameter sets, which the file's own record has. Raises VaderError where what was
        encoded cannot be joined.
        """
        codec = splices.codec
        self._splices, self._bare = splices, bare
        self._renumbering: Renumbering | None = None
        sets: list[bytes] = []
        if encoded is not None:
            sets = [unit for unit in units_of_record(codec, encoded)[0] if is_set(codec, unit)]
            if not _is_like(facts_of(codec, sets), splices.facts):
                raise VaderError("the encoder here writes another depth or chroma")
            if codec == "hevc":
                self._renumbering = _renumbering(sets, splices)
                sets = [self._renumbering.unit(unit) for unit in sets]
        self.record = record_of(codec, [*splices.sets, *sets])

    def copied(
        self, source: Iterator[tuple[int, Packet]], first_pts: int, frames: int, *, opening: bool
    ) -> Iterator[Packet]:
        """The packets of the source that are `frames` frames, from one that begins a part on.

        `source`: the packets that are left, as `numbered` gives them. `opening`: nothing comes before these.
        """
        splices = self._splices
        part = splices.part_of(splices.index.find(first_pts) or 0)
        first = int(splices.packets[part])
        following = first + 1 + int(splices.leading[part])
        cut = int(np.searchsorted(splices.cuts, splices.frames[part] + frames))
        stop = int(splices.cut_packets[cut])
        for number, packet in source:
            if number == first:
                yield self._ready(packet, joins=not opening)
            elif number >= following:
                yield self._ready(packet)
            if number == stop - 1:
                return

    def _ready(self, packet: Packet, *, joins: bool = False) -> Packet:
        """`joins`: it follows pictures of the encoder, and those that are shown before it are missing."""
        codec, data = self._splices.codec, bytes(packet)
        units = units_of(data, self._splices.length_size)
        kept = [unit for unit in units if not (self._bare and is_set(codec, unit))]
        if joins and codec == "hevc":
            kept = [_without_leading(unit) for unit in kept]
        if self._splices.length_size == LENGTH_SIZE and kept == units:
            return packet
        return _remade(packet, packet_of(kept))

    def encoded(self, packet: Packet) -> Packet:
        """A packet of an encoder, without the encoder's notes and with the numbers of its sets."""
        codec = self._splices.codec
        units = units_of(bytes(packet), LENGTH_SIZE)
        kept = [unit for unit in units if not is_set(codec, unit) and not _is_note(codec, unit)]
        try:
            if self._renumbering is not None:
                kept = [self._renumbering.unit(unit) for unit in kept]
        except ValueError as error:
            raise VaderError(
                f"{self._splices.path}: what was encoded cannot be joined with its pictures",
                hint="leave out --smart",
            ) from error
        return _remade(packet, packet_of(kept))


def _without_leading(unit: bytes) -> bytes:
    """A picture at which a decoder can begin; it says that no picture is there that may lean on earlier ones."""
    if unit_type("hevc", unit) != _HEVC_CRA:
        return unit
    return bytes([unit[0] & 0x81 | _HEVC_BLA_N_LP << 1]) + unit[1:]


def _is_like(encoded: Sequence[SequenceFacts], stream: SequenceFacts) -> bool:
    told = {(facts.chroma, facts.luma_bits, facts.chroma_bits) for facts in encoded}
    return told == {(stream.chroma, stream.luma_bits, stream.chroma_bits)}


def _renumbering(sets: Sequence[bytes], splices: Splices) -> Renumbering:
    try:
        return Renumbering(sets, splices.number, splices.facts.profile)
    except (ValueError, KeyError) as error:
        raise VaderError("the encoder here writes what cannot be joined with its pictures") from error


def _is_note(codec: str, unit: bytes) -> bool:
    kind, place = _NOTES[codec]
    return unit_type(codec, unit) == kind and unit[place] == _FREE_TEXT


def _remade(packet: Packet, data: bytes) -> Packet:
    made = Packet(data)
    made.pts, made.time_base, made.is_keyframe = packet.pts, packet.time_base, packet.is_keyframe
    return made
