"""Between floats in [0, 1] and the 8-bit levels of images and encoders."""

import numpy as np
from jaxtyping import Float, Float32, UInt8


def to_levels(values: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
    """[0, 1] to 0..255, rounded to nearest; what lies outside is clipped."""
    return np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)


def to_unit(levels: UInt8[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """0..255 to [0, 1]."""
    return levels.astype(np.float32) / np.float32(255)
