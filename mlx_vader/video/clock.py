"""The clock of a broadcast: it begins at any time of day, and jumps where recordings were joined or a signal was lost.

Players go on as if nothing had happened. So does this, with one correction for all streams, so that they stay together.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

#: AVFMT_TS_DISCONT of libavformat/avformat.h.
_TS_DISCONT = 0x0200

#: Seconds by which all streams may stay silent, and by which a packet may come early: ffmpeg's own limits.
_LONGEST_GAP, _EARLIEST = 10.0, -0.1

#: Sound and pictures come without gaps; subtitles and data may be silent for any time.
_STEADY = frozenset({"audio", "video"})


def is_broadcast(container: InputContainer) -> bool:
    """Whether the clock of a container of this kind may jump."""
    return bool(int(container.format.flags) & _TS_DISCONT)


def start_shift(source: InputContainer | None, first: Fraction) -> Fraction:
    """Seconds to add to all times, so that nothing is shown before zero; `first` is when the first picture is shown.

    Broadcasts begin at any time of day, and then at zero. Files that begin at zero or later keep their time.
    """
    if source is not None and is_broadcast(source) and source.start_time is not None:
        return -Fraction(source.start_time, av.time_base)
    return max(-first, Fraction(0))


class Clock:
    """Takes the jumps out of the times of one container's packets, which must all go through it in their order."""

    def __init__(self, container: InputContainer) -> None:
        self._container = container
        # Seconds, as floats: exact to a tenth of a nanosecond over a day, and fast for every packet of a film.
        self._corrections = [0.0]
        self._latest: dict[int, float] = {}
        self._expected: dict[int, float] = {}

    @property
    def jumped(self) -> bool:
        """Whether there was a jump so far."""
        return len(self._corrections) > 1

    def packets(self, streams: Sequence[Stream]) -> Iterator[Packet]:
        """The packets of `streams`, with steady times; of a container whose clock does not jump, as they are."""
        if not is_broadcast(self._container):
            yield from self._container.demux(list(streams))
            return
        wanted = {stream.index for stream in streams}
        steady = [stream for stream in self._container.streams if stream.type in _STEADY]
        for packet in self._container.demux([*steady, *(s for s in streams if s.type not in _STEADY)]):
            if packet.size:
                self._correct(packet)
            if packet.stream.index in wanted:
                yield packet

    def _correct(self, packet: Any) -> None:
        time = packet.dts if packet.dts is not None else packet.pts
        if time is None:
            return
        if packet.stream.type in _STEADY:
            self._follow(packet, time * float(packet.time_base))
        ticks = round(self._corrections[-1] / float(packet.time_base))
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks

    def _follow(self, packet: Any, time: float) -> None:
        """Makes the correction that fits a packet the last one; a new one where none does.

        The first packets after a jump come among the last ones before it: either correction may be needed again.
        """
        index = packet.stream.index
        expected = self._expected.get(index, time + self._corrections[-1])
        if not self._expected and self._container.start_time is not None:
            begin = self._container.start_time / av.time_base
            # Decoding begins before display, but not by so much.
            expected = time if abs(time - begin) < _LONGEST_GAP else begin
        newest = max(expected, *self._expected.values()) if self._expected else expected
        fitting = [
            c
            for c in self._corrections
            if time + c > expected + _EARLIEST and time + c < newest + _LONGEST_GAP
        ]
        best = min(fitting, key=lambda c: abs(time + c - expected), default=expected - time)
        if best in self._corrections:
            self._corrections.remove(best)
        self._corrections.append(best)
        before, now = self._latest.get(index), time + best
        lasts = packet.duration * float(packet.time_base) if packet.duration else now - (before or now)
        self._latest[index], self._expected[index] = now, now + max(lasts, 0.0)
