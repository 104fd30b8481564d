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
#: As much is all of it.
WHOLE = 0.9
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
#: An outline or a shadow is within so many heights of a line from its letters.
OUTER = 0.3
#: What is even around the letters and comes or goes with them is a plate if it fills its box to this share.
PLATE = 0.8
#: Its colours differ by less: scene may shine through. So many heights of a line around it are looked at.
PLATE_COLOR, ROOM = 44.0, 1.5

Luma = Float32[np.ndarray, "h w"]


class Place(NamedTuple):
    """Rows and columns of the crop around the box of the text, the height of a line of it, and that of the frame."""

    room: int
    height: int
    frame: int


class Drawn(NamedTuple):
    """The mask in the crop, the frames of the line, and how sure it is."""

    mask: Bool[np.ndarray, "h w"]
    first: int
    last: int
    confidence: float


def draw(
    crops: dict[int, LevelFrame], inside: tuple[int, int], place: Place, *, bright: bool
) -> Drawn | None:
    """The line in crops of frames, by their numbers; None where the frames do not show that it comes or goes.

    `inside`: frames between which it is surely there.
    """
    held = [crop for number, crop in crops.items() if inside[0] <= number <= inside[1]]
    hold = np.median(np.stack(held), axis=0).astype(np.uint8)
    lumas = {number: _luma(crop) for number, crop in crops.items()}
    steady = np.abs(np.stack([_luma(crop) for crop in held]) - _luma(hold)).mean(axis=0) < STEADY
    letters = _letters(hold, steady, place, bright=bright)
    if not letters.any():
        return None
    (first, whole_first), (last, whole_last) = _span(lumas, hold, letters, inside)
    changes = []
    for outside, whole in ((first - 1, whole_first), (last + 1, whole_last)):
        if outside in crops:
            if _comes_from(lumas[outside], _luma(hold), letters, place):
                return None
            changes.append(cv2.blur(crops[whole].astype(np.float32) - crops[outside], (3, 3)))
    mask = letters | _outline(letters, changes, steady, place) | _plate(hold, letters, changes, steady, place)
    mask = _grown(mask, round(place.frame / 500))
    return Drawn(mask, first, last, 0.9 if len(changes) == 2 else 0.8)


def _letters(hold: LevelFrame, steady: Bool[np.ndarray, "h w"], place: Place, *, bright: bool) -> np.ndarray:
    """The strokes within the box, of its colour, as far as they hold."""
    luma = _luma(hold).astype(np.uint8)
    strokes = strokes_of(luma, place.frame)[0 if bright else 1]
    outside = np.ones_like(strokes)
    outside[place.room : -place.room, place.room : -place.room] = False
    strokes &= ~outside
    if not strokes.any():
        return strokes
    extreme = (cv2.dilate if bright else cv2.erode)(luma, np.ones((3, 3), np.uint8))
    color = np.median(hold[strokes & (luma == extreme)], axis=0)
    same = np.abs(hold.astype(np.float32) - color).max(axis=-1) < _COLOR
    return strokes & same & steady


def _span(
    lumas: dict[int, Luma], hold: LevelFrame, letters: np.ndarray, inside: tuple[int, int]
) -> list[tuple[int, int]]:
    """The first and the last frame that show the letters' edges, and beside each that which shows them in full."""
    template = _edges(_luma(hold))
    counted = _grown(letters, 1)
    counted &= np.hypot(*template) > CONTRAST / 2
    square = float((template[:, counted] ** 2).sum()) + 1e-6

    def share(number: int) -> float:
        return float((_edges(lumas[number])[:, counted] * template[:, counted]).sum()) / square

    ends = []
    for start, step in ((inside[0], -1), (inside[1], 1)):
        end, whole, before = start, start, 1.0
        while (number := end + step) in lumas:
            shown = share(number)
            if shown < THERE and (shown < FADING or shown > before - _FADES or before > WHOLE):
                break
            end, whole, before = number, number if shown > WHOLE else whole, shown
        ends.append((end, whole))
    return ends


def _comes_from(before: Luma, hold: Luma, letters: np.ndarray, place: Place) -> bool:
    """Whether a frame without the line shows the same letters at another place."""
    search = max(3, round(0.6 * place.height))
    inner = (slice(search, -search),) * 2
    mask = _grown(letters, 2).astype(np.float32)[inner]
    if min(mask.shape) < 3 or not mask.any():
        return False
    match = cv2.matchTemplate(
        before, np.ascontiguousarray(hold[inner]), cv2.TM_CCOEFF_NORMED, mask=np.ascontiguousarray(mask)
    )
    return bool(np.nan_to_num(match, posinf=0, neginf=0).max() > CAME_FROM)


def _outline(letters: np.ndarray, changes: list[np.ndarray], steady: np.ndarray, place: Place) -> np.ndarray:
    """What holds around the letters and comes and goes with them."""
    near, far = _grown(letters, round(OUTER * place.height)), ~_grown(letters, place.height)
    changes = [
        change for change in changes if not far.any() or np.median(np.abs(change[far]).max(axis=-1)) < CUT
    ]
    if not changes:
        return _grown(letters, place.height // 8)
    brighter, darker = np.min(changes, axis=0), np.min(np.negative(changes), axis=0)
    change = np.maximum(brighter, darker).max(axis=-1)
    usual = float(np.median(change[far])) if far.any() else 0.0
    changing = letters | (near & steady & (change >= max(CHANGES, MORE * usual)))
    return _touching(cv2.morphologyEx(changing.astype(np.uint8), cv2.MORPH_CLOSE, _disc(1)) > 0, letters)


def _plate(
    hold: LevelFrame, letters: np.ndarray, changes: list[np.ndarray], steady: np.ndarray, place: Place
) -> np.ndarray:
    """An even rectangle behind the letters that comes and goes with them; nothing if there is none."""
    none = np.zeros_like(letters)
    if not changes:
        return none
    around = _grown(letters, round(OUTER * place.height)) & ~_grown(letters, place.height // 8)
    color = np.median(hold[around], axis=0)
    even = steady & (np.abs(hold.astype(np.float32) - color).max(axis=-1) < PLATE_COLOR)
    plate = even & (np.max(np.abs(changes), axis=(0, -1)) >= CHANGES) | _grown(letters, place.height // 8)
    plate = cv2.morphologyEx(plate.astype(np.uint8), cv2.MORPH_CLOSE, _disc(max(1, place.height // 8)))
    plate = _touching(cv2.morphologyEx(plate, cv2.MORPH_OPEN, _disc(max(2, place.height // 5))) > 0, letters)
    rows, columns = np.nonzero(plate)
    if not len(rows) or rows.min() == 0 or rows.max() == len(plate) - 1:
        return none
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    if plate[box].mean() < PLATE:
        return none
    none[box] = True
    return none


def _touching(pixels: np.ndarray, letters: np.ndarray) -> np.ndarray:
    """The connected parts that hold letters."""
    _, labels = cv2.connectedComponents(pixels.astype(np.uint8), connectivity=8)
    return np.isin(labels, np.unique(labels[letters])) & pixels


def _grown(mask: np.ndarray, radius: int) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), _disc(max(1, radius))) > 0


def _luma(levels: LevelFrame) -> Luma:
    return cv2.cvtColor(levels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _edges(luma: Luma) -> Float32[np.ndarray, "2 h w"]:
    return np.stack([cv2.Sobel(luma, cv2.CV_32F, dx, 1 - dx, ksize=3, scale=0.25) for dx in (1, 0)])


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
