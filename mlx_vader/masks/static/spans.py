"""From when to when a mark is there: how much of its edges each frame shows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mlx_vader.boxes import Box
from mlx_vader.masks.static.difference import Gradient, gradients_of
from mlx_vader.masks.static.refine import grown

#: A frame has the mark where it shows this share of its edges; a fading one counts.
THERE = 0.25
#: A mark is absent for at least so many samples, in which it shows at most this share.
FEWEST, ABSENT = 2, 0.35
#: A span has to explain the samples better than the whole video does by so many times their variance.
CLEARLY = 12.0
#: A mark is seen where it differs from its surroundings, of so many pixels, by this share of what it mostly does; one
#: that mostly differs by fewer levels is taken to be seen everywhere.
RING, VISIBLE, FAINT = 8, 0.4, 6.0


class Template:
    """A mark's edges."""

    def __init__(self, inside: Bool[np.ndarray, "h w"], persisting: Sequence[Gradient]) -> None:
        around = Box.around(grown(inside, 2))
        self._box = (
            slice(around.top, around.bottom + 1),
            slice(around.left, around.right + 1),
        )
        edges = grown(inside, 1)[self._box]
        self._edges = [
            Gradient(*(np.where(edges, part[self._box], 0) for part in each)) for each in persisting
        ]
        self._total = float(sum(np.square(part).sum() for each in self._edges for part in each))

    def shown(self, frame: UInt8[np.ndarray, "h w 3"]) -> float:
        """How much of it a frame shows: about 1 where it is, about 0 where it is not."""
        if not self._total:
            return 1.0
        there = gradients_of(frame[self._box].astype(np.float32))
        common = sum(
            float((ours * theirs).sum())
            for edge, seen in zip(self._edges, there, strict=True)
            for ours, theirs in zip(edge, seen, strict=True)
        )
        return common / self._total


class Span(NamedTuple):
    """The first and the last of the samples that show a mark, and what they show of it on average."""

    first: int
    last: int
    usual: float


def visible(luma: Float32[np.ndarray, "n h w"], inside: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, " n"]:
    """In which samples a mark would be seen if it were there: not where its surroundings are about as bright as it."""
    ring = grown(inside, RING) & ~grown(inside, 2)
    around, within = luma[:, ring].mean(axis=1), luma[:, inside].mean(axis=1)
    contrast = float(np.median(within - around))
    if not ring.any() or abs(contrast) < FAINT:
        return np.ones(len(luma), bool)
    own = np.percentile(within, 90) if contrast > 0 else np.percentile(within, 10)
    would = (own - around) * np.sign(contrast)
    return np.asarray(would > VISIBLE * np.median(would))


def span_of(shown: Float32[np.ndarray, " n"], seen: Bool[np.ndarray, " n"]) -> Span:
    """When a mark is there, by what each sample shows of it; all along, unless something else is clear.

    `seen`: the samples that count.
    """
    numbers = np.flatnonzero(seen)
    shown, count = shown[numbers], len(numbers)
    if count < 3 * FEWEST:
        return Span(0, len(seen) - 1, 1.0)
    best = Span(0, count - 1, float(np.median(shown)))
    least = _left_over(shown, best)
    noise = max(float(np.square(np.diff(shown)).mean()) / 2, 1e-4)
    for first in range(count):
        for last in range(first + FEWEST - 1, count):
            outside = np.concatenate([shown[:first], shown[last + 1 :]])
            if any(0 < side < FEWEST for side in (first, count - 1 - last)) or not len(outside):
                continue
            span = Span(first, last, float(shown[first : last + 1].mean()))
            left_over = _left_over(shown, span)
            if left_over < least - CLEARLY * noise and outside.mean() < ABSENT * span.usual:
                best, least = span, left_over
    first = 0 if best.first == 0 else int(numbers[best.first - 1]) + 1
    last = len(seen) - 1 if best.last == count - 1 else int(numbers[best.last + 1]) - 1
    return Span(first, last, best.usual)


def _left_over(shown: Float32[np.ndarray, " n"], span: Span) -> float:
    expected = np.zeros_like(shown)
    expected[span.first : span.last + 1] = span.usual
    return float(np.square(shown - expected).sum())
