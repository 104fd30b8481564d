"""When each frame of a file is shown and where decoding can begin, from the packets alone: nothing is decoded."""

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from mlx_vader.video.clock import Clock

#: Where neither packets nor container tell a frame rate.
DEFAULT_FRAME_RATE = Fraction(25)


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """`times[i]` is when frame i is shown, in `time_base`; strictly increasing, 8 bytes a frame.

    `keys` are the times of the pictures at which decoding can begin; they need not be shown themselves. Where `exact`
    is false, the file does not say when its frames are shown: the times are made up from the frame rate or from the
    decoding times. `shown_as_stored` says that the packets' times follow the decoding order.
    """

    times: np.ndarray
    keys: np.ndarray
    time_base: Fraction
    exact: bool
    last_duration: int
    shown_as_stored: bool = False

    def __len__(self) -> int:
        return len(self.times)

    def find(self, time: int | None) -> int | None:
        """The number of the frame that is shown at exactly this time."""
        if time is None or not self.exact:
            return None
        place = int(np.searchsorted(self.times, time))
        return place if place < len(self.times) and self.times[place] == time else None

    def time(self, index: int) -> int:
        """When frame `index` is shown; frames that no packet announced follow at the usual distance."""
        if index < len(self.times):
            return int(self.times[index])
        return int(self.times[-1]) + (index + 1 - len(self.times)) * self.last_duration

    def at(self, seconds: float) -> int:
        """The frame that is shown so many seconds after the first; after the last has ended, the number of frames."""
        ticks = round(Fraction(seconds) / self.time_base)
        if ticks >= int(self.times[-1]) - int(self.times[0]) + self.last_duration:
            return len(self.times)
        return max(int(np.searchsorted(self.times, int(self.times[0]) + ticks, side="right")) - 1, 0)

    def key_before(self, index: int) -> int:
        """The time of the last keyframe not after frame `index`."""
        place = int(np.searchsorted(self.keys, self.times[index], side="right")) - 1
        return int(self.keys[max(place, 0)])

    def without_first(self, count: int) -> "FrameIndex":
        """The index of a file whose first `count` packets make no frame."""
        return replace(self, times=self.times[count:])

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last."""
        return (int(self.times[-1]) - int(self.times[0]) + self.last_duration) * self.time_base

    @property
    def variable(self) -> bool:
        """Whether the frames are not evenly spaced, beyond the rounding of their times to whole ticks."""
        even = np.linspace(self.times[0], self.times[-1], len(self.times))
        return bool(np.abs(self.times - even).max() > 1)


def index_stream(container: InputContainer, stream: VideoStream) -> FrameIndex | None:
    """Reads all packets of a stream; None if it has none that is shown."""
    clock = Clock(container)
    shown, decoded, keys, durations = _read_packets(clock, stream)
    if not shown:
        return None
    time_base = stream.time_base or Fraction(1, 1000)
    step = _frame_step(stream, time_base)
    # After a jump a decoded frame's own time says no longer which one it is.
    exact = None not in shown and len(set(shown)) == len(shown) and not clock.jumped
    times = _times(shown, decoded, step)
    usual = int(np.median(np.diff(times))) if len(times) > 1 else step
    told = durations.get(int(times[-1])) or usual
    rest = 0 if clock.jumped else _rest(stream, int(times[-1]), told)
    last = rest or told
    in_order = exact and all(before < after for before, after in pairwise(shown))  # type: ignore[operator]
    return FrameIndex(times, np.array(sorted(keys), np.int64), time_base, exact, last or step, in_order)


def _rest(stream: VideoStream, time: int, told: int) -> int:
    """The ticks from `time` to the end that the container names; 0 if it names none.

    `told`: what the last packet says.
    """
    if stream.duration is None or stream.start_time is None:
        return 0
    rest = stream.start_time + stream.duration - time
    # Where an edit list delays a stream and cuts its end, FFmpeg counts the delay in the duration.
    delayed = stream.start_time > 0 and rest == told + stream.start_time
    return told if delayed else max(0, rest)


def _read_packets(
    clock: Clock, stream: VideoStream
) -> tuple[list[int | None], list[int | None], list[int], dict[int, int]]:
    shown: list[int | None] = []
    decoded: list[int | None] = []
    keys: list[int] = []
    last: dict[int, int] = {}
    entered = False
    for packet in clock.packets([stream]):
        entered = entered or packet.is_keyframe
        if not packet.size or not entered:
            continue  # nothing before the first keyframe can be decoded
        if packet.is_keyframe and packet.pts is not None:
            keys.append(packet.pts)
        if packet.is_discard or _only_helps(packet, stream):
            continue  # others lean on it, but it is not shown: an edit list or the codec hides it
        shown.append(packet.pts)
        decoded.append(packet.dts)
        if packet.pts is not None and packet.pts >= next(iter(last), packet.pts):
            last = {packet.pts: packet.duration or 0}
    return shown, decoded, keys, last


def _only_helps(packet: Packet, stream: VideoStream) -> bool:
    """Whether it is one of VP8's pictures that are never shown (RFC 6386, section 9.1: the bit `show_frame`)."""
    return stream.codec.canonical_name == "vp8" and not bytes(packet)[0] >> 4 & 1


def _frame_step(stream: VideoStream, time_base: Fraction) -> int:
    rate = stream.guessed_rate or stream.average_rate or DEFAULT_FRAME_RATE
    return max(1, round(1 / (rate * time_base)))


def _times(shown: list[int | None], decoded: list[int | None], step: int) -> np.ndarray:
    """Sorted and strictly increasing, from the best that the packets offer."""
    for candidates in (shown, decoded, _from_before_zero(shown, step)):
        known = [time for time in candidates if time is not None]
        if len(known) == len(candidates) and (len(set(known)) > 1 or len(known) == 1):
            times = np.sort(np.array(known, np.int64))
            order = np.arange(len(times))
            return np.maximum.accumulate(times - order) + order
    return np.arange(len(shown), dtype=np.int64) * step


def _from_before_zero(shown: list[int | None], step: int) -> list[int | None]:
    """Fills in the times at the beginning of a Matroska file, which FFmpeg does not tell where they are negative."""
    known = [time for time in shown if time is not None]
    unknown = len(shown) - len(known)
    if not known or None in shown[shown.index(min(known)) :]:
        return shown
    return [*(min(known) - step * count for count in range(unknown, 0, -1)), *known]
