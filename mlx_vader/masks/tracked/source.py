"""Marks that move, found by their own look: where a badge is proved to move, it is followed through all frames.

What nothing proves is not touched: the same picture has to be seen at places all along the video, over other things,
going straight on, and turning back at once or standing at several places. No training, and no network.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy import ndimage

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.boxes import Box
from mlx_vader.masks.sampling import reduced, reduced_size
from mlx_vader.masks.tracked.candidates import candidates
from mlx_vader.masks.tracked.proof import Known, known, seen_near
from mlx_vader.masks.tracked.template import Sight, Template, cut_out, learned, sight
from mlx_vader.process import Finding, FoundMark, Packed, Video

#: Places in a video that are looked at, and how many frames on end at each.
WINDOWS, FRAMES = 12, 8
#: Larger pictures are made smaller first.
MOST_PIXELS = 480 * 270
#: A video with fewer frames shows no motion.
FEWEST_FRAMES = WINDOWS * FRAMES // 2
#: A template is followed where it correlates so much; else it is looked for everywhere, and else it is not there.
FOLLOWED = 0.6
#: What was seen is kept after so many frames.
KEEP_EVERY = 240
#: Of a mark's edge, how much of a pixel counts.
_EDGE = 0.2


class MovingMarks:
    """A mask source: one mark that moves, with a mask that moves along."""

    def __init__(self) -> None:
        self.finding = Finding()
        self._size = 1, 1
        self._outline: Float32[np.ndarray, "h w"] = np.zeros((1, 1), np.float32)
        self._places = np.zeros((0, 3), np.float32)
        self._chosen = True

    def identity(self) -> dict[str, Any]:
        """How often it looks, and how small."""
        return {"mask": f"moving {WINDOWS}x{FRAMES} {MOST_PIXELS}"}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Looks at a few frames at places all along the video; if they prove a mark, follows it through all frames."""
        self._size, self.finding = (video.height, video.width), Finding("nothing")
        if video.frames < FEWEST_FRAMES:
            return
        if "places" not in kept:
            kept = _proved(video)
            yield kept
        template = Template(kept["picture"].astype(np.float32), kept["mask"].astype(bool))
        places = list(kept["places"])
        if not template.mask.any():
            return
        for number, frame in enumerate(video.read(len(places), video.frames), start=len(places)):
            places.append(_next(_small(frame.levels), template, places))
            frame.forget()
            if len(places) % KEEP_EVERY == 0 or number + 1 == video.frames:
                kept = {**kept, "places": np.array(places, np.float32)}
                yield kept
        self._places, self._outline = kept["places"], kept["outline"].astype(np.float32)
        self.finding = Finding("found", (self._mark(),))

    def choose(self, numbers: Sequence[int]) -> None:
        """See `Choosable`."""
        self._chosen = bool(numbers)

    def masks(self, start: int) -> Iterator[Mask]:
        """The mask at the place of the mark in each frame."""
        nothing = np.zeros((*self._size, 1), np.float32)
        number = start
        while True:
            followed = self._chosen and number < len(self._places)
            if followed and self._places[number, 2] >= FOLLOWED:
                yield self._moved(self._places[number])
            else:
                yield nothing
            number += 1

    def _moved(self, place: Float32[np.ndarray, " 3"]) -> Mask:
        scale = self._scale()
        x, y = (-float(at) * side for at, side in zip(place[:2], scale, strict=True))
        moved = cut_out(self._outline, x, y, self._size, beyond=cv2.BORDER_CONSTANT)
        return (moved > _EDGE).astype(np.float32)[..., None]

    def _scale(self) -> tuple[float, float]:
        height, width = reduced_size(*self._size, MOST_PIXELS)
        return self._size[1] / width, self._size[0] / height

    def _mark(self) -> FoundMark:
        """What is told: the box in the first frame that shows it."""
        seen = np.flatnonzero(self._places[:, 2] >= FOLLOWED)
        first, last = (int(seen[0]), int(seen[-1])) if len(seen) else (0, 0)
        moved = self._moved(self._places[first])[..., 0] > 0
        box = Box.around(moved).xywh if moved.any() else (0, 0, 0, 0)
        likeness = float(np.median(self._places[seen, 2])) if len(seen) else 0.0
        return FoundMark(box, round(likeness, 3), "taken", "moving", first=first, last=last)


def _proved(video: Video) -> Packed:
    """The template of a mark, small, and its outline in full size; empty where nothing is proved."""
    starts = np.linspace(0, video.frames - FRAMES, WINDOWS).astype(int)
    windows, seen = [], []
    for window, start in enumerate(starts):
        pictures = []
        for frame in video.read(int(start), int(start) + FRAMES):
            pictures.append(_small(frame.levels))
            frame.forget()
        windows.append(np.stack(pictures))
        seen += [(window, candidate) for candidate in candidates(windows[-1])]
    mark = known(np.stack(windows), seen)
    outline = None if mark is None else _outline(video, starts + FRAMES // 2, mark)
    places = np.zeros((0, 3), np.float32)
    if mark is None or outline is None:
        nothing = np.zeros((1, 1), np.uint8)
        return {"picture": nothing, "mask": nothing, "outline": nothing, "places": places}
    template = mark.template
    return {"picture": template.picture, "mask": template.mask, "outline": outline, "places": places}


def _outline(video: Video, numbers: np.ndarray, mark: Known) -> Bool[np.ndarray, "h w"] | None:
    """The mark in full size, from its patches in the frames in which it is sure; None where they do not agree."""
    height, width = reduced_size(video.height, video.width, MOST_PIXELS)
    down, across = video.height / height, video.width / width
    size = round(mark.template.size[0] * down), round(mark.template.size[1] * across)
    patches = []
    for number, seen in zip(numbers, mark.sights, strict=True):
        if seen.likeness >= FOLLOWED:
            frame = next(iter(video.read(int(number), int(number) + 1)))
            luma = cv2.cvtColor(frame.levels, cv2.COLOR_RGB2GRAY).astype(np.float32)
            patches.append(cut_out(luma, seen.x * across, seen.y * down, size))
    template = learned(np.stack(patches))
    if template is None:
        return None
    whole = ndimage.binary_fill_holes(
        cv2.morphologyEx(template.mask.astype(np.uint8), cv2.MORPH_CLOSE, _square(2))
    )
    # Its edge changes with what is around it; and a pixel more, as far as a place is exact.
    return cv2.dilate(whole.astype(np.uint8), _square(1 + round(down))) > 0


def _next(picture: UInt8[np.ndarray, "h w"], template: Template, before: list[np.ndarray]) -> np.ndarray:
    """Where the mark is: near where it was going, else anywhere."""
    if len(before) > 1 and min(before[-1][2], before[-2][2]) >= FOLLOWED:
        x, y = (float(at) for at in 2 * before[-1][:2] - before[-2][:2])
        place = Sight(min(x, picture.shape[1] - 1.0), min(y, picture.shape[0] - 1.0), 0.0)
        near = seen_near(picture, template, place)
        if near.likeness >= FOLLOWED + 0.1:
            return np.array(near, np.float32)
    return np.array(sight(picture, template), np.float32)


def _small(levels: LevelFrame) -> UInt8[np.ndarray, "h2 w2"]:
    return cv2.cvtColor(reduced(levels, MOST_PIXELS), cv2.COLOR_RGB2GRAY)


def _square(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
