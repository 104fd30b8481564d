"""A line of text in full size: the pixels of its letters with outline, shadow or plate, and its first and last frame.

The frames just before and after it show what it changes; those in between show what holds.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from mlx_vader.arrays import LevelFrame
from mlx_vader.masks.text.lives import CONTRAST, strokes_of

#: How much of its letters' edges a frame shows in which a line is there, and how much while it fades.
THERE, FADING = 0.5, 0.12
#: By so much at least the share falls from frame to frame while it fades.
_FADES = 0.03
#: Frames before and after whose edges match the letters so well at another place: they came from there.
CAME_FROM = 0.7
#: Letters hold: their levels are off by less than this on average.
STEADY = 14.0
#: A pixel that changes by so many levels as the line comes or goes belongs to it, and by so many times what changes
#: around it.
CHANGES, MORE = 14.0, 2.0
#: As much change around a line is a cut.
CUT = 20.0
#: Colours of one line differ by less.
_COLOR = 56.0
#: What belongs to a line is within so many of its heights from its letters.
_OUTER = 0.5

Luma = Float32[np.ndarray, "h w"]


class Drawn(NamedTuple):
    """The mask in the crop, the frames of the line, and how sure it is."""

    mask: Bool[np.ndarray, "h w"]
    first: int
    last: int
    confidence: float


def draw(
    crops: dict[int, LevelFrame], inside: tuple[int, int], room: int, *, bright: bool, size: int
) -> Drawn | None:
    """The line in crops of frames, by their numbers; None where the frames do not show that it comes or goes.

    `inside`: frames between which it is surely there. `room`: rows and columns of the crops around its box. `size`: the
    height of the frames.
    """
    held = [crop for number, crop in crops.items() if inside[0] <= number <= inside[1]]
    hold = np.median(np.stack(held), axis=0).astype(np.uint8)
    lumas = {number: _luma(crop) for number, crop in crops.items()}
    steady = np.abs(np.stack([_luma(crop) for crop in held]) - _luma(hold)).mean(axis=0) < STEADY
    letters = _letters(hold, steady, room, bright=bright, size=size)
    if not letters.any():
        return None
    first, last = _span(lumas, hold, letters, inside)
    comes = _change(crops, first - 1, _first_whole(crops, first, inside), letters, room)
    goes = _change(crops, last + 1, _first_whole(crops, last, inside), letters, room)
    for outside in (first - 1, last + 1):
        if outside in lumas and _comes_from(lumas[outside], _luma(hold), letters, room):
            return None
    changes = [change for change in (comes, goes) if change is not None]
    whole = _whole(letters, changes, steady, room)
    grown = max(1, round(size / 500))
    return Drawn(cv2.dilate(whole.astype(np.uint8), _disc(grown)) > 0, first, last, 0.9 if len(changes) == 2 else 0.8)


def _letters(hold: LevelFrame, steady: Bool[np.ndarray, "h w"], room: int, *, bright: bool, size: int) -> np.ndarray:
    """The strokes within the box, of its colour, as far as they hold."""
    luma = _luma(hold).astype(np.uint8)
    padded = cv2.copyMakeBorder(luma, *[(size - luma.shape[0] + 1) // 2] * 2, 0, 0, cv2.BORDER_REPLICATE)
    top = (size - luma.shape[0] + 1) // 2
    strokes = strokes_of(padded)[0 if bright else 1][top : top + luma.shape[0]]
    strokes[:room], strokes[-room:], strokes[:, :room], strokes[:, -room:] = False, False, False, False
    if not strokes.any():
        return strokes
    extreme = (cv2.dilate if bright else cv2.erode)(luma, np.ones((3, 3), np.uint8))
    color = np.median(hold[strokes & (luma == extreme)], axis=0)
    same = np.abs(hold.astype(np.float32) - color).max(axis=-1) < _COLOR
    return strokes & same & steady


def _span(
    lumas: dict[int, Luma], hold: LevelFrame, letters: np.ndarray, inside: tuple[int, int]
) -> tuple[int, int]:
    """The first and the last frame that show the letters' edges, those that fade too."""
    template = _edges(_luma(hold))
    counted = cv2.dilate(letters.astype(np.uint8), _disc(1)) > 0
    counted &= np.hypot(*template) > CONTRAST / 2
    square = float((template[:, counted] ** 2).sum()) + 1e-6

    def share(number: int) -> float:
        return float((_edges(lumas[number])[:, counted] * template[:, counted]).sum()) / square

    ends = []
    for start, step in ((inside[0], -1), (inside[1], 1)):
        end, before = start, 1.0
        while (number := end + step) in lumas:
            shown = share(number)
            if shown < THERE and (shown < FADING or shown > before - _FADES or before > 0.97):
                break
            end, before = number, shown
        ends.append(end)
    return ends[0], ends[1]


def _first_whole(crops: dict[int, LevelFrame], end: int, inside: tuple[int, int]) -> int:
    """The frame nearest to the end of the span that surely shows the line in full strength."""
    return min(max(end, inside[0]), inside[1])


def _change(
    crops: dict[int, LevelFrame], without: int, whole: int, letters: np.ndarray, room: int
) -> Luma | None:
    """By how many levels the line changes each pixel; None where it comes or goes with a cut, or is cut off."""
    if without not in crops:
        return None
    change = cv2.absdiff(crops[whole], crops[without]).max(axis=-1).astype(np.float32)
    far = cv2.dilate(letters.astype(np.uint8), _disc(room // 2)) == 0
    if not far.any() or np.median(change[far]) > CUT:
        return None
    return cv2.blur(change, (3, 3))


def _comes_from(before: Luma, hold: Luma, letters: np.ndarray, room: int) -> bool:
    """Whether a frame without the line shows the same letters at another place."""
    inner = (slice(room // 2, -(room // 2)),) * 2
    mask = cv2.dilate(letters.astype(np.uint8), _disc(2)).astype(np.float32)[inner]
    if min(mask.shape) < 3 or not mask.any():
        return False
    match = cv2.matchTemplate(before, np.ascontiguousarray(hold[inner]), cv2.TM_CCOEFF_NORMED, mask=np.ascontiguousarray(mask))
    return bool(np.nan_to_num(match, posinf=0, neginf=0).max() > CAME_FROM)


def _whole(letters: np.ndarray, changes: list[Luma], steady: np.ndarray, room: int) -> np.ndarray:
    """The letters and what comes and goes with them around them."""
    if not changes:
        return cv2.dilate(letters.astype(np.uint8), _disc(max(1, room // 8))) > 0
    change = np.minimum.reduce(changes)
    near = cv2.dilate(letters.astype(np.uint8), _disc(max(2, round(_OUTER * room)))) > 0
    usual = float(np.percentile(change[~near], 80)) if (~near).any() else 0.0
    belongs = letters | (near & steady & (change >= max(CHANGES, MORE * usual)))
    belongs = cv2.morphologyEx(belongs.astype(np.uint8), cv2.MORPH_CLOSE, _disc(1))
    _, labels = cv2.connectedComponents(belongs, connectivity=8)
    return np.isin(labels, np.unique(labels[letters])) & (belongs > 0)


def _luma(levels: LevelFrame) -> Luma:
    return cv2.cvtColor(levels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _edges(luma: Luma) -> Float32[np.ndarray, "2 h w"]:
    return np.stack([cv2.Sobel(luma, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=0.25) for dx in (1, 0)])


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
