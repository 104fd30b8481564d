"""How well a membrane guesses what a mark hides, measured where nothing is hidden: on shifted copies of its region.

A membrane is smoother than the picture. Regressing on it as if it were the picture would find each mark less opaque
than it is; by how much is measured here (errors in variables), by the distance from the region's edge.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy import ndimage

from mlx_vader.arrays import LevelClip, Pixels
from mlx_vader.dilation import dilated
from mlx_vader.inpainting.unblend.yuv import yuv_of
from mlx_vader.membrane import membrane_over

#: Distances from the edge that are told apart, and over how many of them measurements are shared.
_DEPTHS, _SHARED = 48, 5
#: Copies that are measured, and the steps by which they are shifted; for large regions larger ones.
_COPIES, _STEPS = 6, (12, 18, 26, 36, 50, 70)
#: Share of a copy that must lie in the picture, and the share that may lie on the mark.
_LEAST_INSIDE, _MOST_COVERED = 0.8, 0.15
#: Where no copy has room: the standard error of a guess, in levels.
_UNKNOWN_ERROR = 20.0
#: The square of a normal variable's deviation over that of its mean absolute value.
_NORMAL = np.pi / 2

Depths = Float32[np.ndarray, " depths"]


@dataclass(frozen=True, eq=False)
class Sham:
    """By distance from the edge, rounded: `slope` of the picture on its guess, and the guess's errors.

    `mean_variance` is that of the error's mean over time, `variance` that of a frame's error, in squared levels.
    """

    slope: Depths
    mean_variance: Depths
    variance: Depths


def depths_of(region: Pixels) -> Int[np.ndarray, " n"]:
    """How far each pixel of the region is from its edge, as an index of `Sham`'s arrays."""
    return np.minimum(ndimage.distance_transform_edt(region)[region].round().astype(int), _DEPTHS - 1)


def measure_sham(frames: LevelClip, region: Pixels) -> Sham:
    """What a membrane is worth in a region of this shape, near it."""
    fat = fattened(region)
    products, squares, means, errors, counts = np.zeros((5, _DEPTHS))
    for copy in _copies(region, fat):
        membrane = membrane_over(copy)
        there = copy & ~fat
        luma = _luma(frames, np.flatnonzero(copy))[:, there[copy]]
        guess = membrane.solved(_luma(frames, membrane.around).T.copy()).T[:, there[copy]]
        depth = depths_of(copy)[there[copy]]
        varying = guess - guess.mean(axis=0)
        error = luma - guess
        for total, values in (
            (products, (varying * luma).mean(axis=0)),
            (squares, (varying * varying).mean(axis=0)),
            (means, np.abs(error.mean(axis=0))),
            (errors, (error * error).mean(axis=0)),
            (counts, np.ones(len(depth))),
        ):
            np.add.at(total, depth, values)
    if not counts.any():
        unknown = np.full(_DEPTHS, _UNKNOWN_ERROR**2, np.float32)
        return Sham(np.ones(_DEPTHS, np.float32), unknown, unknown)
    deepest = int(np.flatnonzero(counts)[-1])
    slope = np.clip(_shared(products, deepest) / np.maximum(_shared(squares, deepest), 1e-6), 0.5, 1.6)
    number = np.maximum(_shared(counts, deepest), 1e-6)
    mean_variance = _NORMAL * np.square(_shared(means, deepest) / number)
    arrays = slope, mean_variance, _shared(errors, deepest) / number
    return Sham(*(array.astype(np.float32) for array in arrays))


def _shared(values: np.ndarray, deepest: int) -> np.ndarray:
    """Sums over neighbouring depths; beyond the deepest that was measured that one's goes on."""
    summed = np.convolve(np.pad(values, _SHARED // 2, mode="edge"), np.ones(_SHARED), "valid")
    summed[deepest + 1 :] = summed[deepest]
    return summed


def _luma(frames: LevelClip, places: Int[np.ndarray, " n"]) -> Float32[np.ndarray, "t n"]:
    return yuv_of(frames.reshape(len(frames), -1, 3)[:, places])[..., 0]


def fattened(region: Pixels) -> Pixels:
    """The region and what a mark in it may spoil around."""
    return dilated(region, 2)


def shifts_of(region: Pixels, fat: Pixels, most: int) -> list[tuple[int, int]]:
    """Up to `most` steps, down and right, by which copies of the region hide as little as may be of the mark itself."""
    rows, columns = np.nonzero(region)
    found = []
    for down, right in _shifts(region):
        y, x = rows + down, columns + right
        inside = (y >= 1) & (y < region.shape[0] - 1) & (x >= 1) & (x < region.shape[1] - 1)
        if inside.mean() <= _LEAST_INSIDE:
            continue
        covered = fat[y[inside], x[inside]].mean()
        if covered < _MOST_COVERED:
            found.append((covered, down, right))
    found.sort(key=lambda shift: shift[0])
    if len(found) > most:  # the better half, near ones and far ones
        found = [found[number] for number in np.linspace(0, len(found) // 2, most).astype(int)]
    return [(down, right) for _, down, right in found]


def _copies(region: Pixels, fat: Pixels) -> list[Bool[np.ndarray, "h w"]]:
    """Shifted copies of the region."""
    rows, columns = np.nonzero(region)
    copies = []
    for down, right in shifts_of(region, fat, _COPIES):
        copy = np.zeros_like(region)
        y, x = rows + down, columns + right
        inside = (y >= 0) & (y < region.shape[0]) & (x >= 0) & (x < region.shape[1])
        copy[y[inside], x[inside]] = True
        copies.append(copy)
    return copies


def _shifts(region: Pixels) -> list[tuple[int, int]]:
    largest = max(max(box.stop - box.start for box in boxes) for boxes in _boxes(region))
    steps = [*_STEPS, *(step for step in (largest + 12, largest * 5 // 4 + 12) if step > _STEPS[-1])]
    signs = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1))
    return [(step * down, step * right) for step in steps for down, right in signs]


def _boxes(region: Pixels) -> list[tuple[slice, ...]]:
    return ndimage.find_objects(ndimage.label(region, np.ones((3, 3)))[0])
