"""Film grain: clumps of a pixel or two, strongest in the mid-tones, new in every frame."""

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.degradations.kernels import convolve, gaussian_kernel
from mlx_vader.artifacts.randomness import between, chance

STRENGTH = (3 / 255, 30 / 255)
GRAIN_SIZE = (0.4, 1.3)
COLOUR_FILM = 0.5
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def film_grain(frames: Clip, rng: np.random.Generator, severity: float) -> Clip:
    """Adds grain of standard deviation 3/255 (severity 0) to 30/255 (1) at mid-grey, a third of it in black.

    Its size is the sigma of a Gaussian, 0.4 to 1.3 px. Colour film has a weaker, independent grain in each layer too.
    """
    kernel = gaussian_kernel(rng.uniform(*GRAIN_SIZE))
    layers = rng.uniform(0.2, 0.5) if chance(rng, COLOUR_FILM) else 0.0
    grain = rng.standard_normal((*frames.shape[:3], 1), dtype=np.float32)
    if layers:
        grain = grain + np.float32(layers) * rng.standard_normal(frames.shape, dtype=np.float32)
    # Filtering lowers the variance by the sum of the squared weights; this gives it back.
    gain = 1 / np.sqrt(np.square(kernel).sum() * (1 + layers**2))
    luma = frames @ LUMA
    midtones = (1 / 3 + 2 / 3 * 4 * luma * (1 - luma))[..., None]
    amplitude = np.float32(between(severity, *STRENGTH) * gain)
    return np.clip(frames + amplitude * midtones * convolve(grain, kernel), 0, 1)
