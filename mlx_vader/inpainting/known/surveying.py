"""A coarse look at a video for known marks: at which places and sizes they may be."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import LevelFrame
from mlx_vader.inpainting.known.posing import Pose, Shown, layer, shown
from mlx_vader.inpainting.known.search import Haystack
from mlx_vader.masks.mark_files import KnownMark

#: The longer side of the pictures that are searched.
_SIDE = 400
#: Steps between sizes, and the sizes that are tried: of a mark whose frame is known as factors of what they would be,
#: of others as widths in the searched picture.
_STEP, _NEARBY, _NARROWEST = 1.08, 1.4, 14
#: Frames may be of another shape by so much for a mark to be scaled as they are.
_SAME_SHAPE = 0.02
#: A mark lies at its place within so many pixels of the searched picture.
_AT_ITS_PLACE = 4
#: Places that are looked at closely, in all and for each size.
_CLOSE, _EACH = 4, 2


@dataclass(frozen=True)
class Candidate:
    """Mark number `mark` may lie at `pose`; `told`: where its file says."""

    mark: int
    pose: Pose
    told: bool


def shrunk(levels: LevelFrame) -> LevelFrame:
    """A frame as it is searched."""
    height, width = levels.shape[:2]
    factor = min(1.0, _SIDE / max(height, width))
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    return cv2.resize(levels, size, interpolation=cv2.INTER_AREA)


def candidates(
    pictures: Sequence[Float32[np.ndarray, "h w 3"]], marks: Sequence[KnownMark], height: int, width: int
) -> list[Candidate]:
    """Where the marks may lie in frames of `height` and `width`; `pictures`: those, `shrunk`, in YUV. Surest first."""
    factor = pictures[0].shape[0] / height, pictures[0].shape[1] / width
    found: list[tuple[float, Candidate]] = []
    at_place: list[tuple[float, Candidate]] = []
    for number, known in enumerate(marks):
        mark = shown(known.alpha, known.colour)
        sizes = _sizes(known, height, width, factor)
        largest = Pose(0, 0, *np.max(sizes, axis=0)).box(*known.alpha.shape)
        haystack = Haystack(pictures, (largest.height, largest.width))
        for down, across in sizes:
            for evidence, pose in _hits(haystack, mark, Pose(0, 0, down, across), _EACH):
                found.append((evidence, Candidate(number, _at_full_size(pose, factor), False)))
        down, across = known.scale_in(height, width)
        told = Pose(known.box.top * down, known.box.left * across, down, across)
        small = Pose(told.top * factor[0], told.left * factor[1], down * factor[0], across * factor[1])
        for evidence, pose in _hits(haystack, mark, small, 1, near=True):
            at_place.append((evidence, Candidate(number, _at_full_size(pose, factor), True)))
    found.sort(key=lambda hit: -hit[0])
    at_place.sort(key=lambda hit: -hit[0])
    best = [candidate for _, candidate in (*at_place[: _CLOSE // 2], *found)]
    return _apart(best)[:_CLOSE]


def _sizes(
    known: KnownMark, height: int, width: int, factor: tuple[float, float]
) -> list[tuple[float, float]]:
    """How many times as high and as wide as its file the mark may be in the searched picture."""
    down, across = known.scale_in(height, width)
    told = [(down, across)]
    if abs(down / across - 1) > _SAME_SHAPE:
        told += [(across, across), (down, down)]
    if known.is_placed:
        steps = int(np.log(_NEARBY) / np.log(_STEP))
        factors = _STEP ** np.arange(-steps, steps + 1)
    else:
        told = [(1.0, 1.0)]
        smallest = _NARROWEST / (max(known.alpha.shape) * factor[1])
        largest = min(height / known.alpha.shape[0], width / known.alpha.shape[1])
        count = int(np.ceil(np.log(max(largest / smallest, 1)) / np.log(_STEP)))
        factors = np.array([1, *np.geomspace(smallest, max(largest, smallest), count + 1)])
    return [(f * down * factor[0], f * across * factor[1]) for down, across in told for f in factors.tolist()]


def _hits(
    haystack: Haystack, mark: Shown, pose: Pose, count: int, *, near: bool = False
) -> list[tuple[float, Pose]]:
    box = pose.box(*mark.shape[:2])
    laid = layer(mark, pose, box)
    place = (box.top, box.left, _AT_ITS_PLACE) if near else None
    hits = haystack.hits(laid, count, place) if laid.alpha.max() > 0 else []
    return [
        (hit.evidence, pose._replace(top=pose.top + hit.top - box.top, left=pose.left + hit.left - box.left))
        for hit in hits
    ]


def _at_full_size(pose: Pose, factor: tuple[float, float]) -> Pose:
    return Pose(pose.top / factor[0], pose.left / factor[1], pose.down / factor[0], pose.across / factor[1])


def _apart(found: Sequence[Candidate]) -> list[Candidate]:
    """Without those that another, better one stands for."""
    kept: list[Candidate] = []
    for candidate in found:
        pose = candidate.pose
        if not any(
            other.mark == candidate.mark
            and abs(other.pose.top - pose.top) + abs(other.pose.left - pose.left) < 2 * _STEP
            and abs(other.pose.down / pose.down - 1) < _STEP / 2 - 0.5
            for other in kept
        ):
            kept.append(candidate)
    return kept
