"""Dead and hot pixels, transmission errors: single pixels forced to black or white."""

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.randomness import between_log, chance

DENSITY = (0.001, 0.10)
PER_CHANNEL = 0.3


def salt_pepper_noise(frames: Clip, rng: np.random.Generator, severity: float) -> Clip:
    """Replaces 0.1 % (severity 0) to 10 % (1) of the pixels, or of the channel values, 30 to 70 % of them by white."""
    density = between_log(severity, *DENSITY)
    white = density * rng.uniform(0.3, 0.7)
    channels = 3 if chance(rng, PER_CHANNEL) else 1
    draw = rng.random((*frames.shape[:3], channels), dtype=np.float32)
    spoiled = np.where(draw < density, np.float32(0), frames)
    return np.where(draw < white, np.float32(1), spoiled)
