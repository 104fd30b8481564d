"""Masks grown and blurred by a few pixels."""

import numpy as np
from jaxtyping import Shaped


def along_both(
    image: Shaped[np.ndarray, "h w c"], radius: int, combine: np.ufunc
) -> Shaped[np.ndarray, "h w c"]:
    """Each pixel combined with its neighbours in a square; beyond the border the border's pixels go on."""
    for axis in (0, 1):
        padding = [(radius, radius) if other == axis else (0, 0) for other in range(3)]
        padded, size = np.pad(image, padding, mode="edge"), image.shape[axis]
        shifted = [np.take(padded, range(shift, shift + size), axis=axis) for shift in range(2 * radius + 1)]
        image = combine.reduce(shifted)
    return image
