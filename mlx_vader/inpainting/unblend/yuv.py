"""Luma and colour differences in levels from 0 to 255, full range, and how codecs halve the latter.

Codecs quantise luma and chroma each by itself: what they lost of one does not spoil the other here.
"""

import cv2
import numpy as np
from jaxtyping import Float32, Shaped

#: Rows are Y, U and V of BT.601; differences lie around 0.
_FROM_RGB = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_TO_RGB = np.linalg.inv(_FROM_RGB.astype(np.float64)).astype(np.float32)


def yuv_of(rgb: Shaped[np.ndarray, "*pixels 3"]) -> Float32[np.ndarray, "*pixels 3"]:
    """YUV of RGB in levels."""
    return rgb.astype(np.float32) @ _FROM_RGB.T


def rgb_of(yuv: Float32[np.ndarray, "*pixels 3"]) -> Float32[np.ndarray, "*pixels 3"]:
    """RGB in levels, not clipped."""
    return yuv @ _TO_RGB.T


def halved(plane: Float32[np.ndarray, "h w *c"]) -> Float32[np.ndarray, "h w *c"]:
    """Means of 2 x 2 pixels, put back to the full size as a decoder does."""
    height, width = plane.shape[:2]
    small = cv2.resize(plane, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
