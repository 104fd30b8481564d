"""How much a place holds back of what passes behind it.

What is laid over a video with opacity α leaves 1 − α of the change behind it; a sign that belongs to the scene
is hidden by what passes, and leaves all of it. The change behind a place is guessed from its surroundings. The guess is
itself weaker than the truth, so the same is asked of the same shape at places beside it, where there is no mark.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32

#: How much of a shape beside the mark may lie outside the picture or on marks.
SPOILED = 0.15
#: Parts of the video by which the error is estimated.
PARTS = 8
#: The guess is to change by so many squared levels, on average, for anything to be said.
LEAST_CHANGE = 4.0
#: Of a change, the surroundings are to show this share, or they say nothing.
LEAST_USUAL = 0.2

Planes = Float32[np.ndarray, "n h w"]
Pixels = Bool[np.ndarray, "h w"]


class Attenuation(NamedTuple):
    """Opacity, 0 to 1 or somewhat beyond, and its standard error; the error is infinite where nothing is known."""

    alpha: float
    error: float

    @property
    def shown(self) -> bool:
        """Whether it is an opacity for sure."""
        return self.alpha > max(0.1, 3 * self.error)

    @property
    def disproved(self) -> bool:
        """Whether it is none for sure."""
        return self.alpha + 2 * self.error < 0.15


UNKNOWN = Attenuation(0.0, float("inf"))


def attenuation(luma: Planes, inside: Pixels, marked: Pixels) -> Attenuation:
    """Of the pixels `inside`; `marked`: all that may be marks."""
    shapes = _beside(inside, marked)
    if not shapes:
        return UNKNOWN
    slope = _slope(luma, guessed(luma, marked), inside)
    beside = guessed(luma, np.any([marked, *shapes], axis=0))
    shams = [found for shape in shapes if (found := _slope(luma, beside, shape)) is not None]
    if slope is None or not shams:
        return UNKNOWN
    usual = float(np.median([sham.value for sham in shams]))
    if usual < LEAST_USUAL:
        return UNKNOWN
    spread = float(np.std([sham.value for sham in shams])) / np.sqrt(len(shams)) if len(shams) > 2 else 0.2
    error = np.hypot(slope.error, slope.value * spread / usual) / usual
    return Attenuation(1 - slope.value / usual, float(error) + 0.01)


class _Slope(NamedTuple):
    value: float
    error: float


def _slope(luma: Planes, guess: Planes, inside: Pixels) -> _Slope | None:
    """Of the picture on what its surroundings let expect, over time; None where too little changes."""
    guess, seen = guess[:, inside], luma[:, inside]
    guess = guess - guess.mean(axis=0)
    seen = seen - seen.mean(axis=0)
    parts = np.array_split(np.arange(len(luma)), min(PARTS, len(luma)))
    common = np.array([(guess[part] * seen[part]).sum() for part in parts])
    change = np.array([np.square(guess[part]).sum() for part in parts])
    if change.sum() / guess.size < LEAST_CHANGE:
        return None
    value = common.sum() / change.sum()
    without = (common.sum() - common) / np.maximum(change.sum() - change, 1e-6)
    error = np.sqrt((len(parts) - 1) / len(parts) * np.square(without - value).sum())
    return _Slope(float(value), float(error))


def _beside(inside: Pixels, marked: Pixels) -> list[Pixels]:
    """The shape moved to places around it, which do not overlap."""
    rows, columns = np.nonzero(inside)
    down, across = np.ptp(rows) + 4, np.ptp(columns) + 4
    shapes, taken = [], marked.copy()
    for y, x in ((0, -across), (0, across), (-down, 0), (down, 0), (-down // 2, 0), (down // 2, 0)):
        there = (
            (rows + y >= 0)
            & (rows + y < inside.shape[0])
            & (columns + x >= 0)
            & (columns + x < inside.shape[1])
        )
        moved = np.zeros_like(inside)
        moved[rows[there] + y, columns[there] + x] = True
        moved &= ~taken
        if moved.sum() >= (1 - SPOILED) * len(rows):
            shapes.append(moved)
            taken |= moved
    return shapes


def guessed(luma: Planes, hidden: Pixels) -> Planes:
    """The pictures with what is hidden made up of its surroundings: by halves down, and up again."""
    planes = np.ascontiguousarray(np.moveaxis(luma, 0, -1))
    return np.moveaxis(_filled(planes, (~hidden).astype(np.float32)), -1, 0)


def _filled(planes: np.ndarray, known: Float32[np.ndarray, "h w"]) -> np.ndarray:
    """`planes` (h, w, n), each pixel as far as it is known."""
    height, width = known.shape
    if known.min() > 0 or min(height, width) < 2:
        return planes
    padded = ((0, height % 2), (0, width % 2))
    weight = np.pad(known, padded)
    weighted = np.pad(planes, (*padded, (0, 0))) * weight[..., None]
    four = weight[::2, ::2] + weight[1::2, ::2] + weight[::2, 1::2] + weight[1::2, 1::2]
    total = weighted[::2, ::2] + weighted[1::2, ::2] + weighted[::2, 1::2] + weighted[1::2, 1::2]
    coarse = _filled(total / np.maximum(four, 1e-6)[..., None], np.minimum(four, 1))
    rows = cv2.resize(
        coarse.reshape(coarse.shape[0], -1), (coarse[0].size, height), interpolation=cv2.INTER_LINEAR
    ).reshape(height, coarse.shape[1], -1)
    turned = np.ascontiguousarray(rows.swapaxes(0, 1))
    fine = cv2.resize(
        turned.reshape(turned.shape[0], -1), (turned[0].size, width), interpolation=cv2.INTER_LINEAR
    ).reshape(width, height, -1)
    share = known[..., None]
    return planes * share + fine.swapaxes(0, 1) * (1 - share)
