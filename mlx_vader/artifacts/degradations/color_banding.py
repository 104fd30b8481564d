"""Too few levels: smooth gradients break into steps, without dithering."""

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.randomness import between_log, chance

LEVELS = (64.0, 4.0)
UNEVEN_CHANNELS = 0.4


def color_banding(frames: Clip, rng: np.random.Generator, severity: float) -> Clip:
    """Rounds to 64 levels a channel (severity 0, six bits) down to 4 (1, two bits).

    Four times in ten the channels differ, as in RGB565: each gets 0.7 to 1.4 times as many, at least three.
    """
    uneven = rng.uniform(0.7, 1.4, size=3) if chance(rng, UNEVEN_CHANNELS) else np.ones(3)
    steps = np.maximum(np.round(between_log(severity, *LEVELS) * uneven), 3).astype(np.float32) - 1
    return np.round(frames * steps) / steps
