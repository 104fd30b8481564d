"""Objects that are clicked on, or named in words, followed through the video by a network for that."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy import ndimage

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.errors import UsageError
from mlx_vader.masks.clicks import Click, Words
from mlx_vader.process import Finding, FoundMark, Packed, Video

#: Frames, evenly spread, in which words are looked for; the one with the surest answer counts.
LOOKS = 5
#: Frames that are read in one go where the video is followed backwards.
_BACKWARDS = 16
#: After so many frames the first pass says that it is alive.
_STEP = 8

#: Points of one object: x and y in pixels, and what they are; see `Segmenter.track`.
Points = Sequence[tuple[float, float, int]]
#: Left, top, right and bottom.
Corners = tuple[float, float, float, float]


class Segmenter(Protocol):
    """What finds objects and follows them; see `mlx_vader.backends.segment_anything`."""

    #: Its weights.
    names: tuple[str, str]

    def boxes(self, levels: LevelFrame, words: str) -> list[tuple[Corners, float]]:
        """Where what the words mean is, and how sure that is."""
        ...

    def track(self, frames: Iterable[LevelFrame], objects: Sequence[Points]) -> Iterator[Mask]:
        """Where the objects are in each frame, all in one; the points are in the first.

        A point is 1 on the object, 0 beside it, 2 and 3 at the upper left and lower right corner of a box around it.
        """
        ...


class _Target(NamedTuple):
    """An object in the frame in which it is pointed at."""

    frame: int
    points: Points
    kind: str
    confidence: float


class PromptedMasks:
    """A mask source: the objects that clicks and words point at. `frame_at`: the frame after so many seconds."""

    def __init__(
        self,
        segmenter: Segmenter,
        clicks: Sequence[Click],
        words: Sequence[Words],
        frame_at: Callable[[float], int],
    ) -> None:
        self.finding = Finding()
        self._segmenter, self._clicks, self._words = segmenter, tuple(clicks), tuple(words)
        self._frame_at = frame_at
        self._masks: list[bytes] = []
        self._shape = (0, 0)

    def identity(self) -> dict[str, Any]:
        """The prompts as they were understood, and the networks."""
        return {"mask": [repr(self._clicks), repr(self._words), *self._segmenter.names]}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Finds the objects and follows them to both ends of the video; keeps the masks, compressed."""
        self._shape = video.height, video.width
        if "ends" in kept:
            self._unpack(kept)
            return
        empty = _packed(np.zeros((*self._shape, 1), np.float32))
        self._masks = [empty] * video.frames
        targets: list[_Target] = []
        for target in self._targets(video):
            if target is not None:
                targets.append(target)
            yield {}
        marks = []
        for frame in sorted({target.frame for target in targets}):
            here = [target for target in targets if target.frame == frame]
            yield from self._follow(video, frame, here)
            mask = _unpacked(self._masks[frame], self._shape)
            marks += [mark for target in here if (mark := _mark(target, mask)) is not None]
        self.finding = self._found(marks, missing=not targets)
        yield self._pack()

    def masks(self, start: int) -> Iterator[Mask]:
        """See `MaskSource`."""
        last: bytes | None = None
        for content in self._masks[start:]:
            if content != last:
                last, mask = content, _unpacked(content, self._shape)
            yield mask

    def _targets(self, video: Video) -> Iterator[_Target | None]:
        """What is pointed at; None where a look found nothing."""
        for click in self._clicks:
            step = 2 if video.fields else 1
            frame = click.at.frame(self._frame_at, video.frames // step, "a click") * step if click.at else 0
            points = [
                (x.pixels(video.width), y.pixels(video.height * step) / step, int(there))
                for x, y, there in click.points
            ]
            _check_inside(points, video)
            yield _Target(frame, points, "click", 1.0)
        for words in self._words:
            yield from self._named(words, video)

    def _named(self, words: Words, video: Video) -> Iterator[_Target | None]:
        """The objects in the frame where the surest of them is."""
        step = 2 if video.fields else 1
        if words.at is not None:
            frames = [words.at.frame(self._frame_at, video.frames // step, f"“{words.text}”") * step]
        else:
            frames = sorted({int(frame) for frame in np.linspace(0, video.frames - 1, LOOKS)})
        best: list[_Target] = []
        for frame in frames:
            levels = next(video.read(frame, frame + 1)).levels
            found = [
                _Target(frame, [(left, top, 2), (right, bottom, 3)], "prompt", score)
                for (left, top, right, bottom), score in self._segmenter.boxes(levels, words.text)
            ]
            best = max(best, found, key=lambda targets: max((t.confidence for t in targets), default=0.0))
            yield None
        yield from best

    def _follow(self, video: Video, frame: int, targets: Sequence[_Target]) -> Iterator[Packed]:
        """Adds the masks of objects that are pointed at in one frame, to the end and back to the beginning."""
        objects = [target.points for target in targets]
        onwards = (read.levels for read in video.read(frame, video.frames))
        ways: list[tuple[range, Iterator[LevelFrame]]] = [(range(frame, video.frames), onwards)]
        if frame:
            ways.append((range(frame, -1, -1), _backwards(video, frame)))
        for numbers, frames in ways:
            for number, mask in zip(numbers, self._segmenter.track(frames, objects), strict=False):
                before = _unpacked(self._masks[number], self._shape)
                self._masks[number] = _packed(np.maximum(before, mask))
                if number % _STEP == 0:
                    yield {}

    def _found(self, marks: list[FoundMark], *, missing: bool) -> Finding:
        if missing:
            words = ", ".join(f"“{words.text}”" for words in self._words)
            return Finding("nothing", reason=f"nothing was found for {words}")
        return Finding("found", tuple(marks))

    def _pack(self) -> Packed:
        boxes = [(*mark.box, mark.confidence, mark.kind == "click") for mark in self.finding.marks]
        return {
            "ends": np.cumsum([len(content) for content in self._masks]),
            "content": np.frombuffer(b"".join(self._masks), np.uint8),
            "marks": np.array(boxes, np.float64).reshape(-1, 6),
            "found": np.array(self.finding.status == "found"),
        }

    def _unpack(self, kept: Packed) -> None:
        content, ends = kept["content"].tobytes(), kept["ends"].tolist()
        self._masks = [content[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
        marks = [
            FoundMark((int(x), int(y), int(width), int(height)), sure, "fill", "click" if click else "prompt")
            for x, y, width, height, sure, click in kept["marks"].tolist()
        ]
        self.finding = self._found(marks, missing=not kept["found"])


def _backwards(video: Video, frame: int) -> Iterator[LevelFrame]:
    for stop in range(frame + 1, 0, -_BACKWARDS):
        yield from [read.levels for read in video.read(max(stop - _BACKWARDS, 0), stop)][::-1]


def _check_inside(points: Points, video: Video) -> None:
    for x, y, _ in points:
        if not (0 <= x < video.width and 0 <= y < video.height):
            height = video.height * (2 if video.fields else 1)
            raise UsageError(
                f"a click at {x:g},{y:g} lies outside the frame", hint=f"the frame is {video.width}x{height}"
            )


def _mark(target: _Target, mask: Mask) -> FoundMark | None:
    """The part of the mask that an object's points are on; None where they are on none."""
    parts, _ = ndimage.label(mask[..., 0] > 0.5)
    if target.kind == "prompt":
        (left, top, _), (right, bottom, _) = target.points
        box = round(left), round(top), max(round(right - left), 1), max(round(bottom - top), 1)
        return FoundMark(box, round(target.confidence, 3), "fill", target.kind)
    x, y, _ = target.points[0]
    part = parts[int(y), int(x)]
    if not part:
        return None
    rows, columns = ndimage.find_objects(parts)[part - 1]
    box = columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start
    return FoundMark(box, target.confidence, "fill", target.kind)


def _packed(mask: Mask) -> bytes:
    return zlib.compress(np.packbits(mask > 0.5).tobytes(), 1)


def _unpacked(content: bytes, shape: tuple[int, int]) -> Mask:
    bits = np.unpackbits(np.frombuffer(zlib.decompress(content), np.uint8), count=shape[0] * shape[1])
    return bits.reshape(*shape, 1).astype(np.float32)
