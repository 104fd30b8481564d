"""Boxes and polygons that a person names, at one place or moving between keyframes, as masks.

A shape is text: `x,y,width,height` for a box, `x1,y1,x2,y2,x3,y3…` for a polygon, in pixels of the upright frame, or in
percent of its width and height where a number ends in %. A time may follow:

- `10,20,100,40`: all the time.
- `10,20,100,40@0` and then `30,20,100,40@120`: keyframes of one shape, which moves evenly from one to the next. Before
  the first and after the last it stays. A time that is not later than the one before begins another shape.
- `10,20,100,40@60-90`: only then, both ends included.

A time is the number of a frame, from 0, or seconds: `2.5s`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float64

from mlx_vader.arrays import Mask
from mlx_vader.errors import UsageError
from mlx_vader.process import Finding, FoundMark, Packed, Video

_NUMBER = r"-?\d+(?:\.\d+)?"
_LENGTH = re.compile(rf"\s*({_NUMBER})(%?)\s*")
_TIME = re.compile(r"\s*(\d+(?:\.\d+)?s|\d+)\s*")
_HINTS = {
    "box": "x,y,width,height in pixels or percent: 10,20,100,40 or 5%,80%,20%,10%",
    "polygon": "three points or more, in pixels or percent: 10,20,110,20,60,80",
}
_TIME_HINT = "frame or seconds after an @: @120, @2.5s, @60-90"
#: Parts of a pixel, as a power of two, to which the corners of polygons are drawn.
_SHIFT = 4


class Length(NamedTuple):
    """Pixels, or a share of the frame's side where `percent`."""

    number: float
    percent: bool

    def pixels(self, side: int) -> float:
        """In a frame whose side has so many pixels."""
        return self.number * side / 100 if self.percent else self.number


class Moment(NamedTuple):
    """The number of a frame, or seconds from the first one."""

    number: float
    seconds: bool

    def frame(self, frame_at: Callable[[float], int], frames: int, whole: str) -> int:
        """Which of so many frames it is. Raises UsageError for one after the end; `whole` is what it is the time of."""
        number = frame_at(self.number) if self.seconds else int(self.number)
        if number >= frames:
            raise UsageError(
                f"the time of {whole} is after the video's end",
                hint=f"it has {frames} frames, 0 to {frames - 1}",
            )
        return number


@dataclass(frozen=True)
class Outline:
    """A shape at one place, as it was written. `begin` alone is a keyframe, both times are a span."""

    kind: str
    text: str
    lengths: tuple[Length, ...]
    begin: Moment | None = None
    end: Moment | None = None

    def follows(self, other: "Outline") -> bool:
        """Whether both are keyframes of one shape, this the later one."""
        return (
            self.begin is not None
            and other.begin is not None
            and self.end is other.end is None
            and self.begin.seconds == other.begin.seconds
            and self.begin.number > other.begin.number
        )


#: The keyframes of one shape, or its only outline.
Shape = tuple[Outline, ...]


def parse_shapes(boxes: str | Sequence[str], polygons: str | Sequence[str]) -> tuple[Shape, ...]:
    """The shapes that texts say, see above. Raises UsageError for what is none, and for keyframes that do not fit."""
    return (*_shapes("box", boxes), *_shapes("polygon", polygons))


def _shapes(kind: str, texts: str | Sequence[str]) -> Iterator[Shape]:
    shape: Shape = ()
    for outline in (_outline(kind, text) for text in ([texts] if isinstance(texts, str) else texts)):
        if shape and outline.follows(shape[-1]):
            if len(outline.lengths) != len(shape[-1].lengths):
                raise UsageError(
                    f"the {kind} {outline.text} has not as many points as {shape[-1].text}",
                    hint="each point moves to the point of the same number",
                )
            shape = (*shape, outline)
            continue
        if shape:
            yield shape
        shape = (outline,)
    if shape:
        yield shape


def _outline(kind: str, text: str) -> Outline:
    place, at, time = text.partition("@")
    parts = place.split(",")
    fits = len(parts) == 4 if kind == "box" else len(parts) >= 6 and len(parts) % 2 == 0
    if not fits:
        raise UsageError(f"{text} is no {kind}", hint=_HINTS[kind])
    lengths = tuple(length_of(part, text, _HINTS[kind]) for part in parts)
    if kind == "box" and min(lengths[2].number, lengths[3].number) <= 0:
        raise UsageError(f"the box {text} has no size", hint=_HINTS[kind])
    moments = [moment_of(part, text) for part in time.split("-", 1)] if at else []
    return Outline(kind, text, lengths, *moments)


def length_of(text: str, whole: str, hint: str) -> Length:
    """A number, or a percentage; `whole` is the text that it is part of. Raises UsageError."""
    found = _LENGTH.fullmatch(text)
    if not found:
        raise UsageError(f"{text or 'nothing'} is no number, in {whole}", hint=hint)
    return Length(float(found[1]), bool(found[2]))


def moment_of(text: str, whole: str) -> Moment:
    """A frame or seconds; `whole` is the text that it is part of. Raises UsageError."""
    found = _TIME.fullmatch(text)
    if not found:
        raise UsageError(f"{text or 'nothing'} is no time, in {whole}", hint=_TIME_HINT)
    return Moment(float(found[1].rstrip("s")), found[1].endswith("s"))


@dataclass(frozen=True, eq=False)
class _Track:
    """A shape in one video: its corners in pixels at some frames; it is there from `first` to `last`."""

    kind: str
    frames: Float64[np.ndarray, " keys"]
    pixels: Float64[np.ndarray, "keys numbers"]
    first: int
    last: int | None

    def at(self, frame: float) -> tuple[float, ...] | None:
        """Its numbers at a frame, which may lie between two; None where it is not there."""
        if frame < self.first or (self.last is not None and int(frame) > self.last):
            return None
        return tuple(float(np.interp(frame, self.frames, numbers)) for numbers in self.pixels.T)


class ShapeMasks:
    """A mask source: what lies in one of the shapes. `frame_at`: which frame is shown after so many seconds."""

    def __init__(self, shapes: Sequence[Shape], frame_at: Callable[[float], int]) -> None:
        self.finding = Finding("told")
        self._shapes, self._frame_at = tuple(shapes), frame_at
        self._tracks: list[_Track] = []
        self._video: Video | None = None

    def identity(self) -> dict[str, Any]:
        """The shapes as they were written."""
        return {"mask": [[outline.kind, outline.text] for shape in self._shapes for outline in shape]}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Places the shapes in the frames. Raises UsageError for one that lies outside of them, or of the video."""
        height, frames = video.height, video.frames
        if video.fields:
            height, frames = 2 * height, frames // 2
        self._video = video
        self._tracks = [self._track(shape, height, video.width, frames) for shape in self._shapes]
        marks = [_mark(track, height, video.width) for track in self._tracks]
        self.finding = Finding("told", tuple(_in_fields(mark) if video.fields else mark for mark in marks))
        return iter(())

    def masks(self, start: int) -> Iterator[Mask]:
        """See `MaskSource`."""
        video = self._video
        if video is None:
            raise RuntimeError("analyse runs first")
        made: dict[int, tuple[Any, Mask]] = {}
        for number in count(start):
            lines = (number + (not video.top_first)) % 2 if video.fields else 0
            now = tuple(track.at(number / 2 if video.fields else number) for track in self._tracks)
            if lines not in made or made[lines][0] != now:
                made[lines] = now, self._drawn(now, lines, video)
            yield made[lines][1]

    def _drawn(self, now: tuple[tuple[float, ...] | None, ...], lines: int, video: Video) -> Mask:
        step = 2 if video.fields else 1
        mask = np.zeros((video.height * step, video.width), np.uint8)
        for track, numbers in zip(self._tracks, now, strict=True):
            if numbers is not None:
                _draw(mask, track.kind, numbers)
        return mask[lines::step, :, None].astype(np.float32)

    def _track(self, shape: Shape, height: int, width: int, frames: int) -> _Track:
        kind = shape[0].kind
        pixels = np.array(
            [
                [length.pixels((width, height)[index % 2]) for index, length in enumerate(outline.lengths)]
                for outline in shape
            ]
        )
        if not any(_shown(kind, tuple(numbers), height, width) for numbers in pixels):
            raise UsageError(
                f"the {kind} {shape[0].text} lies outside the frame",
                hint=f"the frame is {width}x{height}: x from 0 to {width - 1}, y from 0 to {height - 1}",
            )
        times = [
            outline.begin.frame(self._frame_at, frames, f"the {kind} {outline.text}")
            for outline in shape
            if outline.begin
        ]
        end = shape[0].end
        if end is None:
            return _Track(kind, np.array(times or [0], float), pixels, 0, None)
        last = end.frame(self._frame_at, frames, f"the {kind} {shape[0].text}")
        if last < times[0]:
            raise UsageError(f"the {kind} {shape[0].text} ends before it begins", hint=_TIME_HINT)
        return _Track(kind, np.array(times, float), pixels, times[0], last)


def _draw(mask: np.ndarray, kind: str, numbers: tuple[float, ...]) -> None:
    if kind == "box":
        left, top, right, bottom = _sides(numbers)
        mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 1
        return
    points = np.round(np.reshape(numbers, (-1, 1, 2)) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(mask, [points], 1, shift=_SHIFT)


def _sides(box: tuple[float, ...]) -> tuple[int, int, int, int]:
    """Left, top, and the column and row after the last."""
    x, y, width, height = box
    left, top = round(x), round(y)
    return left, top, max(round(x + width), left + 1), max(round(y + height), top + 1)


def _shown(kind: str, numbers: tuple[float, ...], height: int, width: int) -> bool:
    mask = np.zeros((height, width), np.uint8)
    _draw(mask, kind, numbers)
    return bool(mask.any())


def _mark(track: _Track, height: int, width: int) -> FoundMark:
    """The shape as it is first seen."""
    for numbers in track.pixels:
        mask = np.zeros((height, width), np.uint8)
        _draw(mask, track.kind, tuple(numbers))
        if mask.any():
            x, y, columns, rows = cv2.boundingRect(mask)
            break
    return FoundMark((x, y, columns, rows), 1.0, "fill", kind=track.kind, first=track.first, last=track.last)


def _in_fields(mark: FoundMark) -> FoundMark:
    """The same in a video of fields, twice as many and half as high."""
    last = None if mark.last is None else 2 * mark.last + 1
    return replace(mark.scaled(0.5, 1), first=2 * mark.first, last=last)
