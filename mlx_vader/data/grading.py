"""Colour grading: the same scene as other cameras and other films would show it."""

import numpy as np
from jaxtyping import UInt8

from mlx_vader.levels import to_levels

#: Of the clips that are graded.
SHARE = 0.5
GAMMA, CONTRAST, SATURATION, TINT = 0.35, 0.25, 0.5, 0.12
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def graded(clip: UInt8[np.ndarray, "t h w 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "t h w 3"]:
    """Half of the time the clip as it is, otherwise with another gamma, contrast, saturation and white."""
    if rng.random() >= SHARE:
        return clip
    levels = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    gain = np.exp(rng.uniform(-TINT, TINT, 3)).astype(np.float32)
    curve = levels ** np.exp(rng.uniform(-GAMMA, GAMMA)) * gain
    curve = 0.5 + (curve - 0.5) * np.exp(rng.uniform(-CONTRAST, CONTRAST))
    colours = np.stack([curve[clip[..., channel], channel] for channel in range(3)], axis=-1)
    grey = colours @ LUMA
    colours = grey[..., None] + (colours - grey[..., None]) * np.exp(rng.uniform(-SATURATION, SATURATION))
    return to_levels(colours)
