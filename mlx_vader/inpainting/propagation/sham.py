"""A sham: a copy of the hole beside it, where the picture is known, to see how a membrane does just here."""

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import Pixels
from mlx_vader.inpainting.propagation.layer import Layer
from mlx_vader.membrane import stretched_over

#: Least part of the hole that has to find room, and least pixels of it.
LEAST_PART, LEAST_PIXELS = 0.25, 20
#: A place is taken to be like its surroundings to this degree: the errors' ratio is raised to this power.
ALIKE = 0.6
#: No more than so many times larger or smaller an error is believed.
MOST = 8.0

Expected = Callable[[Pixels], Float32[np.ndarray, "h w"]]


def error_ratio(layer: Layer, expected: Expected) -> float:
    """How many times larger a membrane's squared error is than `expected`, which gives it for the pixels of a hole.

    1 where there is no room for a sham.
    """
    sham = sham_of(layer.hole, layer.hidden)
    if sham is None:
        return 1.0
    picture = layer.levels
    both = sham | layer.hole
    missed = np.square(stretched_over(picture, both) - picture)[sham].mean()
    # One level is rounding, and no error.
    ratio = (missed + 1) / (expected(both)[sham].mean() + 1)
    return float(np.clip(ratio, 1 / MOST, MOST) ** ALIKE)


def sham_of(hole: Pixels, hidden: Pixels) -> Pixels | None:
    """The hole moved aside by its own thickness, to where most of it is not `hidden`; None where too little is."""
    deepest = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).max()
    step = int(2 * min(deepest, max(hole.shape)) + 4)
    moved = (_moved(hole, *way) & ~hidden for way in ((0, step), (0, -step), (step, 0), (-step, 0)))
    best = max(moved, key=np.count_nonzero)
    least = max(LEAST_PART * np.count_nonzero(hole), LEAST_PIXELS)
    return best if np.count_nonzero(best) >= least else None


def _moved(pixels: Pixels, down: int, right: int) -> Pixels:
    result = np.zeros_like(pixels)
    height, width = pixels.shape
    result[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = pixels[
        max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)
    ]
    return result
