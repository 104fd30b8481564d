"""Sets of pixels that are grown."""

import cv2
import numpy as np

from mlx_vader.arrays import Pixels


def dilated(pixels: Pixels, by: int) -> Pixels:
    """The pixels, and all that are at most so many rows and so many columns away."""
    return cv2.dilate(pixels.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0
