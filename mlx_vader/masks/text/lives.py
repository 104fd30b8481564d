"""How long each pixel of a video holds its value: what comes and goes at once holds in between, whatever is around it.

A pixel lives from the sample in which it takes a value to that in which it has another. Letters that are laid over a
video all begin and end together; what is around them moves on, or stays as it was before and after.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mlx_vader.process import Packed

Plane = Float32[np.ndarray, "h w"]
Picture = UInt8[np.ndarray, "h w"]

#: A pixel holds as long as it is at most so many levels off the mean of its life.
HELD = 14.0
#: By so many levels a life differs from what was before it or comes after it. Slow changes of light do not.
STEP = 30.0
#: Samples of the shortest life.
SHORTEST = 3
#: The mean of a life follows slow changes of light: it is that of about so many samples.
_MEMORY = 8
#: Strokes are brighter or darker by so many levels than what is within this share of the picture's height around them.
CONTRAST, REACH = 40.0, 0.03
#: Fewer pixels than this are no letters.
FEWEST = 24
#: So many groups with one end are looked at.
_MOST_GROUPS = 12
#: A brightness that no picture has.
_NEVER = 1e4


class Life(NamedTuple):
    """Pixels that hold from sample `first` until `end`, in which they have another value, give or take one sample.

    `picture`: the brightness while they do. `bright`, `dark`: which of them are strokes.
    """

    first: int
    end: int
    pixels: Bool[np.ndarray, "h w"]
    picture: Picture
    bright: Bool[np.ndarray, "h w"]
    dark: Bool[np.ndarray, "h w"]


class Lives:
    """Takes samples of a video's brightness in their order, and gives the lives of strokes that have ended."""

    def __init__(self, kept: Packed) -> None:
        """`kept`: what `packed` gave, to go on after it."""
        self._state = dict(kept)

    @property
    def samples(self) -> int:
        """How many were seen."""
        return int(self._state.get("samples", 0))

    @property
    def latest(self) -> Plane:
        """The last sample."""
        return self._state["recent"][-1].astype(np.float32)

    def packed(self) -> Packed:
        """All that is needed to go on; the arrays are not changed any more."""
        return dict(self._state)

    def see(self, luma: Plane) -> Iterator[Life]:
        """The lives that ended with the sample before this one."""
        number, state = self.samples, self._state
        if number == 0:
            nothing = np.full(luma.shape, -1, np.int32)
            state = {"value": luma, "first": np.zeros_like(nothing), "born": nothing, "died": nothing}
            state |= {"step": np.zeros_like(luma), "recent": np.repeat(_levels(luma)[None], SHORTEST, axis=0)}
        value, first = state["value"], state["first"]
        off = luma - value
        over = np.abs(off) >= HELD
        ended = over & (np.maximum(np.abs(off), state["step"]) >= STEP) & (number - first >= SHORTEST)
        self._state = {
            "samples": np.array(number + 1),
            "value": np.where(over, luma, value + off / np.minimum(number + 1 - first, _MEMORY)).astype(np.float32),
            "first": np.where(over, np.int32(number), first),
            "step": np.where(over, np.abs(off), state["step"]),
            "born": np.where(ended, first, state["born"]),
            "died": np.where(ended, np.int32(number), state["died"]),
            "recent": np.concatenate([state["recent"][1:], _levels(luma)[None]]),
        }  # fmt: skip
        if number > SHORTEST:
            yield from self._ended(number - 1, state["recent"][0])

    def finish(self) -> Iterator[Life]:
        """The lives that last to the end of the video."""
        for _ in range(2 if self.samples else 0):
            yield from self.see(np.full(self._state["value"].shape, _NEVER, np.float32))

    def _ended(self, end: int, picture: Picture) -> Iterator[Life]:
        """Those that ended at a sample, where it is the one at which most of a group's strokes did."""
        born, died = self._state["born"], self._state["died"]
        recent = np.abs(died - end) <= 1
        if np.count_nonzero(recent) < FEWEST:
            return
        bright, dark = (recent & strokes for strokes in strokes_of(picture, len(picture)))
        strokes = bright | dark
        earlier, count, later = (_counts(born[strokes & (died == at)], end) for at in (end - 1, end, end + 1))
        for first in np.argsort(-count)[:_MOST_GROUPS]:
            near = slice(max(0, first - 1), first + 2)
            if count[near].sum() < FEWEST or count[first] < count[near].max():
                continue
            if earlier[near].sum() > count[near].sum() or later[near].sum() >= count[near].sum():
                continue
            pixels = recent & (np.abs(born - first) <= 1)
            yield Life(int(first), end, pixels, picture, bright & pixels, dark & pixels)


def strokes_of(picture: Picture, height: int) -> tuple[Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """What is brighter, and what is darker, than all that is near it, in (a part of) a picture that is so high."""
    reach = 2 * max(3, round(REACH * height / 2)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    bright, dark = (
        cv2.morphologyEx(picture, kind, disc) >= CONTRAST for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT)
    )
    return bright, dark


def _counts(born: np.ndarray, end: int) -> np.ndarray:
    return np.bincount(born, minlength=end + 2)


def _levels(luma: Plane) -> Picture:
    return luma.clip(0, 255).astype(np.uint8)
