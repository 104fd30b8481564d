"""Marks that stand still, found by a network from statistics over time; no network that restores frames is asked.

What nothing proves is not touched: a mark is taken where the scene changes behind it, by motion or by a cut. Where
nothing changes, a mark cannot be told from a sign, and the finding says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from mlx_vader.arrays import Mask
from mlx_vader.boxes import Box
from mlx_vader.masks.decision import Decision
from mlx_vader.masks.sampling import places, reduced, sampled
from mlx_vader.masks.static.gate import believes, candidates, is_a_copy, stands_still
from mlx_vader.masks.static.look import Look
from mlx_vader.masks.static.network import See
from mlx_vader.masks.static.refine import enlarged, refined
from mlx_vader.masks.static.spans import THERE, Span, Template, span_of, visible
from mlx_vader.masks.static.statistics import statistics
from mlx_vader.process import Finding, FoundMark, Packed, Video

#: Frames that are looked at, and the fewest that show anything.
SAMPLES, FEWEST = 48, 8
#: Larger pictures are made smaller before they are looked at, and before the edges of marks are.
MOST_PIXELS, MOST_IN_MEAN = 854 * 480, 1920 * 1080
#: So many samples are looked at before what was seen is kept.
KEEP_EVERY = 8
#: More of the picture than this is no mark.
MOST_MARKED = 0.5


@dataclass(frozen=True)
class _Found:
    """A mark: its pixels, where it is seen, and what is told of it."""

    inside: Bool[np.ndarray, "h w"]
    span: Span
    mark: FoundMark


class StaticMarks:
    """A mask source. `weights` names the network's."""

    def __init__(self, see: See, weights: str) -> None:
        self.finding = Finding()
        self._see, self._weights = see, weights
        self._nothing: Mask = np.zeros((1, 1, 1), np.float32)
        self._masks: list[Bool[np.ndarray, "h w"]] = []

    def identity(self) -> dict[str, Any]:
        """The network's weights, and how often it looks."""
        return {"mask": f"static {self._weights} {SAMPLES}"}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Looks at frames all along the video; keeps them, and in the end what was found."""
        self._nothing, self._masks = np.zeros((video.height, video.width, 1), np.float32), []
        if video.frames < FEWEST:
            self.finding = Finding("undecidable", reason="so few frames cannot show that a mark stands still")
            return
        if "reason" not in kept:
            for kept in self._looked(video, kept):  # noqa: B020 - goes on from what was kept
                yield kept
        self._masks = [kept[f"mask{number}"].astype(bool) for number in range(len(kept["marks"]))]
        marks = tuple(_unpacked(row) for row in kept["marks"])
        self.finding = _finding(marks, kept["reason"].tobytes().decode())

    def choose(self, numbers: Sequence[int]) -> None:
        """See `Choosable`."""
        marks = tuple(
            replace(mark, treated="taken" if number in numbers else "left")
            for number, mark in enumerate(self.finding.marks)
        )
        self.finding = replace(self.finding, marks=marks)

    def masks(self, start: int) -> Iterator[Mask]:
        """Those of the marks that are taken, while they are there; the same array again while nothing changes."""
        taken = [
            (mark.first, mark.last, mask)
            for mark, mask in zip(self.finding.marks, self._masks, strict=True)
            if mark.treated != "left"
        ]
        made: dict[tuple[int, ...], Mask] = {}
        frame = start
        while True:
            there = tuple(
                number
                for number, (first, last, _) in enumerate(taken)
                if first <= frame and (last is None or frame <= last)
            )
            if there not in made:
                made[there] = self._joined([taken[number][2] for number in there])
            yield made[there]
            frame += 1

    def _joined(self, masks: list[Bool[np.ndarray, "h w"]]) -> Mask:
        if not masks:
            return self._nothing
        return np.logical_or.reduce(masks).astype(np.float32)[..., None]

    def _looked(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The frames, some at a time, and last what is found in them."""
        frames, numbers = list(kept.get("frames", ())), kept.get("numbers", np.array([], int)).tolist()
        total = kept.get("sum")
        wanted = [place for place in places(video.frames, SAMPLES) if not numbers or place > numbers[-1]]
        for seen, (number, frame) in enumerate(sampled(video, wanted), start=1):
            frames.append(reduced(frame.levels, MOST_PIXELS))
            numbers.append(number)
            large = reduced(frame.levels, MOST_IN_MEAN)
            if large.shape != frames[-1].shape:
                total = large.astype(np.float32) if total is None else total + large
            if seen % KEEP_EVERY == 0 and seen < len(wanted):
                yield {"frames": np.stack(frames), "numbers": np.array(numbers)} | (
                    {} if total is None else {"sum": total}
                )
        look = Look(np.stack(frames))
        found, reason = _found(look, self._see)
        mean = None if total is None else total / len(frames)
        whole = video.height, video.width
        yield {
            "marks": np.array([_packed(_in_frames(video, each, numbers, look)) for each in found]).reshape(
                -1, 8
            ),
            "reason": np.frombuffer(reason.encode(), np.uint8),
            **{f"mask{number}": _whole(each.inside, mean, whole) for number, each in enumerate(found)},
        }


def find(frames: UInt8[np.ndarray, "n h w 3"], see: See) -> Decision:
    """The marks in frames that are spread over a video, in levels."""
    found, reason = _found(Look(frames), see)
    finding = _finding(tuple(each.mark for each in found), reason)
    taken = [each.inside for each in found if each.mark.treated != "left"]
    return Decision(np.any([np.zeros(frames.shape[1:3], bool), *taken], axis=0), finding)


def _found(look: Look, see: See) -> tuple[list[_Found], str]:
    """What looks like a mark, the most sure first, and why none of it is believed, if that is so."""
    seen = see(statistics(look.frames))
    mask = refined(seen.mask, look.persisting)
    still = seen.undecidable > 0.5 or stands_still(look)
    found = []
    for inside, confidence in candidates(mask, seen.mask):
        template = Template(inside, look.persisting)
        shown = np.array([template.shown(frame) for frame in look.frames], np.float32)
        span = span_of(shown, visible(look.luma, inside))
        within = look.within(span.first, span.last)
        believed = believes(within, inside, mask, confidence, still=still)
        mark = FoundMark(Box.around(inside).xywh, round(confidence, 3), "taken" if believed else "left")
        found.append(_Found(inside, span, mark))
    found.sort(key=lambda each: -each.mark.confidence)
    found = _with_copies(found)
    share = sum(float(each.inside.mean()) for each in found if each.mark.treated != "left")
    if share > MOST_MARKED:
        left = [replace(each, mark=replace(each.mark, treated="left")) for each in found]
        return left, f"what may be marks is {share:.0%} of the picture"
    if any(each.mark.treated != "left" for each in found):
        return found, ""
    if still:
        return found, "too little moves to tell a mark from the scene"
    return found, "the scene does not move behind what may be marks" if found else ""


def _with_copies(found: list[_Found]) -> list[_Found]:
    """The marks, those taken too whose shape is that of one that is taken."""
    taken = [each.inside for each in found if each.mark.treated != "left"]
    return [
        replace(each, mark=replace(each.mark, treated="taken"))
        if any(is_a_copy(each.inside, other, each.mark.confidence) for other in taken)
        else each
        for each in found
    ]


def _finding(marks: tuple[FoundMark, ...], reason: str) -> Finding:
    if any(mark.treated != "left" for mark in marks):
        return Finding("found", marks)
    return Finding("undecidable" if reason else "nothing", marks, reason)


def _in_frames(video: Video, found: _Found, numbers: Sequence[int], look: Look) -> FoundMark:
    """The mark as the video has it: its box in whole pixels, its first and its last frame."""
    first, last = found.span.first, found.span.last
    template = Template(found.inside, look.persisting)

    def there(number: int) -> bool:
        frame = next(iter(video.read(number, number + 1)), None)
        return (
            frame is not None
            and template.shown(reduced(frame.levels, MOST_PIXELS)) > THERE * found.span.usual
        )

    begins = 0 if first == 0 else _turn(there, numbers[first - 1], numbers[first])
    ends = None if last == len(numbers) - 1 else _turn(there, numbers[last + 1], numbers[last])
    rows, columns = found.inside.shape
    return replace(found.mark.scaled(video.height / rows, video.width / columns), first=begins, last=ends)


def _turn(there: Any, without: int, has: int) -> int:
    """The frame nearest to the one without the mark that has it, by halves."""
    while abs(has - without) > 1:
        middle = (has + without) // 2
        if there(middle):
            has = middle
        else:
            without = middle
    return has


def _whole(
    inside: Bool[np.ndarray, "h w"], mean: np.ndarray | None, size: tuple[int, int]
) -> Bool[np.ndarray, "h2 w2"]:
    """A mark's pixels in the whole frame of (height, width)."""
    if mean is not None:
        inside = enlarged(inside, mean)
    if inside.shape == size:
        return inside
    soft = cv2.resize(inside.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    return soft > 0.5


def _packed(mark: FoundMark) -> list[float]:
    return [
        *mark.box,
        mark.confidence,
        mark.treated != "left",
        mark.first,
        -1 if mark.last is None else mark.last,
    ]


def _unpacked(row: np.ndarray) -> FoundMark:
    x, y, width, height, confidence, taken, first, last = row.tolist()
    return FoundMark(
        (int(x), int(y), int(width), int(height)),
        confidence,
        "taken" if taken else "left",
        first=int(first),
        last=None if last < 0 else int(last),
    )
