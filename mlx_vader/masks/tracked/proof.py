"""Whether a mark moves through a video: the same picture at other places, over other things, and straight on.

A thing of the scene may hold its look as well. But what is around it moves with it, or it turns, grows, or wavers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from mlx_vader.masks.tracked.candidates import Candidate
from mlx_vader.masks.tracked.template import RIM, Sight, Template, cut_out, learned, sight

Picture = UInt8[np.ndarray, "h w"]
Windows = UInt8[np.ndarray, "windows n h w"]

#: Two candidates show the same if they correlate so much; a template is seen where it does as much.
SAME, SEEN, SURE = 0.7, 0.75, 0.85
#: Of the pictures, the share that shows the mark, and how many places that lie apart there are at least.
OFTEN, PLACES = 0.75, 3
#: Candidates that are tried.
TRIED = 10
#: Pixels around a mark that are looked at too, as a share of its size, and at least so many.
BESIDE, FEWEST_BESIDE = 0.4, 6
#: So often a mark is learned anew, from more pictures and with its whole outline in sight.
ROUNDS = 4
#: From frame to frame a mark goes as far as before up to so many pixels, in this share of the frames.
STRAIGHT, MOSTLY = 0.3, 0.8
#: Its speed across and down stays the same up to so many pixels a frame; slower than this it stands still.
STEADY, STILL = 0.2, 0.12
#: Pixels around a place in which a mark is looked for in the frames beside.
REACH = 12


class _Place(NamedTuple):
    """Where the first pixel of a box is in the middle frame of a window, and how far it goes from frame to frame."""

    window: int
    x: float
    y: float
    step: tuple[float, float] = (0.0, 0.0)


class Known(NamedTuple):
    """A mark that is proved, and where it is seen in the middle frame of each window."""

    template: Template
    sights: list[Sight]


def known(windows: Windows, candidates: Sequence[tuple[int, Candidate]]) -> Known | None:
    """The mark in a few frames on end at places all along a video; `candidates` say in which windows they are."""
    pictures = list(windows[:, windows.shape[1] // 2])
    partners = [_partners(pictures, candidates, number) for number in range(len(candidates))]
    left = set(range(len(candidates)))
    for _ in range(TRIED):
        number = max(left, key=lambda number: len(partners[number]), default=None)
        if number is None or len(partners[number]) + 1 < PLACES:
            return None
        mark = _learned(windows, candidates[number], partners[number])
        if mark is not None and _moves_like_one(windows, mark):
            return mark
        shown = [_Place(candidates[number][0], *candidates[number][1].box[:2]), *partners[number]]
        left = {other for other in left if not any(_within(candidates[other], place) for place in shown)}
    return None


def _within(candidate: tuple[int, Candidate], place: _Place) -> bool:
    x, y, width, height = candidate[1].box
    return candidate[0] == place.window and abs(x - place.x) < width / 2 and abs(y - place.y) < height / 2


def _moves_like_one(windows: Windows, mark: Known) -> bool:
    """Whether it goes straight on in each window, and between them turns back at once or changes its place.

    What belongs to the scene and passes by goes on in one direction; what is thrown or carried changes its speed.
    """
    steps, bends = [], []
    for window, seen in zip(windows, mark.sights, strict=True):
        if seen.likeness < SURE:
            continue
        places = np.array([seen_near(picture, mark.template, seen)[:2] for picture in window])
        steps.append(np.median(np.diff(places, axis=0), axis=0))
        bends.append(np.abs(np.diff(places, n=2, axis=0)).max(axis=1))
    if (np.concatenate(bends) < STRAIGHT).mean() < MOSTLY:
        return False
    speeds = np.array(steps)
    if (np.abs(speeds) < STILL).all(axis=1).mean() >= MOSTLY:
        return True
    usual = np.median(np.abs(speeds), axis=0)
    same = np.abs(np.abs(speeds) - usual).max(axis=1) < STEADY + 0.05 * usual.max()
    turns = (speeds[:, usual > STEADY] > 0).any(axis=0) & (speeds[:, usual > STEADY] < 0).any(axis=0)
    return bool(same.mean() >= MOSTLY and turns.any())


def seen_near(picture: Picture, template: Template, place: Sight) -> Sight:
    """The best match near a place."""
    height, width = template.size
    left, top = (max(0, round(at) - REACH) for at in place[:2])
    near = picture[top : round(place.y) + height + REACH, left : round(place.x) + width + REACH]
    found = sight(near, template)
    return Sight(found.x + left, found.y + top, found.likeness)


def _partners(
    pictures: Sequence[Picture], candidates: Sequence[tuple[int, Candidate]], number: int
) -> list[_Place]:
    """Candidates in other pictures that show the same: the picture, and where the first pixel of it is there."""
    at, candidate = candidates[number]
    x, y, width, height = candidate.box
    patch = pictures[at][y : y + height, x : x + width].astype(np.float32)
    best: dict[int, tuple[float, float, float, tuple[float, float]]] = {}
    for other_at, other in candidates:
        speeds = np.abs(np.abs(candidate.step) - np.abs(other.step))
        if other_at == at or speeds.max() > STEADY + 0.05 * np.abs(candidate.step).max():
            continue
        left, top = max(0, other.box[0] - width // 2), max(0, other.box[1] - height // 2)
        right, bottom = other.box[0] + other.box[2] + width // 2, other.box[1] + other.box[3] + height // 2
        near = pictures[other_at][top:bottom, left:right]
        if near.shape[0] < height or near.shape[1] < width or patch.std() < 1:
            continue
        match = cv2.matchTemplate(near.astype(np.float32), patch, cv2.TM_CCOEFF_NORMED)
        down, across = np.unravel_index(int(match.argmax()), match.shape)
        likeness = float(match[down, across])
        if likeness > (best[other_at][0] if other_at in best else SAME):
            best[other_at] = likeness, left + float(across), top + float(down), other.step
    return [_Place(other_at, *place[1:]) for other_at, place in best.items()]


def _learned(windows: Windows, seed: tuple[int, Candidate], partners: list[_Place]) -> Known | None:
    """The mark of a candidate and its partners, then of all pictures in which that is seen."""
    x, y, width, height = seed[1].box
    middle = windows.shape[1] // 2
    pictures = list(windows[:, middle])
    found = [_Place(seed[0], x, y, seed[1].step), *partners]
    within = 0, 0, width, height
    for turn in range(ROUNDS):
        # The box of what is known, with something around it.
        left, top, across, down = within
        beside, above = (max(FEWEST_BESIDE, round(BESIDE * side)) for side in (across, down))
        size = down + 2 * above, across + 2 * beside
        if max(size) > min(pictures[0].shape):
            return None
        patches = [
            _patch(
                windows[at, frame],
                x + left - beside + (frame - middle) * step[0],
                y + top - above + (frame - middle) * step[1],
                size,
            )
            for at, x, y, step in found
            for frame in (range(windows.shape[1]) if not turn else (middle,))
        ]
        template = learned(np.stack(patches))
        if template is None:
            return None
        mark = template
        sights = [sight(picture, template) for picture in pictures]
        found = [_Place(at, seen.x, seen.y) for at, seen in enumerate(sights) if seen.likeness >= SEEN]
        if len(found) < (OFTEN * len(pictures) if turn else PLACES):
            return None
        within = template.box
    if not _wholly_within(within, size):
        return None
    sure = [seen_at for seen_at in sights if seen_at.likeness >= SURE]
    if len(sure) < OFTEN * len(pictures) or _apart(sure, min(size) / 2) < PLACES:
        return None
    return Known(mark, sights)


def _wholly_within(box: tuple[int, int, int, int], size: tuple[int, int]) -> bool:
    """Whether there is something around a mark: what goes on beyond the box belongs to the scene."""
    x, y, width, height = box
    return min(x, y) > RIM and x + width < size[1] - RIM and y + height < size[0] - RIM


def _patch(picture: Picture, x: float, y: float, size: tuple[int, int]) -> Float32[np.ndarray, "h2 w2"]:
    return cut_out(picture.astype(np.float32), x, y, size)


def _apart(sights: Sequence[Sight], distance: float) -> int:
    """How many of the places lie apart from one another."""
    places: list[Sight] = []
    for seen in sights:
        if all(np.hypot(seen.x - other.x, seen.y - other.y) >= distance for other in places):
            places.append(seen)
    return len(places)
