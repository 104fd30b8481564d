"""Sensor noise: white, Gaussian, new in every frame."""

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.randomness import between, chance

SIGMA = (2 / 255, 50 / 255)
LUMA_ONLY = 0.25


def gaussian_noise(frames: Clip, rng: np.random.Generator, severity: float) -> Clip:
    """Adds noise of standard deviation 2/255 (severity 0) to 50/255 (1), a quarter of the time in luma only."""
    channels = 1 if chance(rng, LUMA_ONLY) else 3
    return with_noise(frames, rng, between(severity, *SIGMA), channels)


def with_noise(frames: Clip, rng: np.random.Generator, sigma: float, channels: int = 3) -> Clip:
    """Adds noise of the standard deviation `sigma`, and clips to [0, 1]; with one channel in luma only."""
    noise = rng.standard_normal((*frames.shape[:3], channels), dtype=np.float32)
    noise *= np.float32(sigma)
    return np.clip(frames + noise, 0, 1)
