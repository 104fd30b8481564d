"""Lost sharpness: bad scaling (Gaussian), camera motion (line), missed focus (disc)."""

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.degradations.kernels import convolve, disc_kernel, gaussian_kernel, line_kernel
from mlx_vader.artifacts.randomness import between_log, pick

GAUSSIAN_SIGMA = (0.5, 4.0)
MOTION_LENGTH = (2.0, 21.0)
DEFOCUS_RADIUS = (0.8, 6.5)
KINDS = {"gaussian": 0.4, "motion": 0.3, "defocus": 0.3}


def blur(frames: Clip, rng: np.random.Generator, severity: float) -> Clip:
    """Blurs the whole clip with one kernel.

    From severity 0 to 1: Gaussian sigma 0.5 to 4 px, motion length 2 to 21 px, defocus radius 0.8 to 6.5 px.
    """
    kind = pick(rng, list(KINDS), list(KINDS.values()))
    angle = rng.uniform(0, np.pi)
    if kind == "gaussian":
        kernel = gaussian_kernel(between_log(severity, *GAUSSIAN_SIGMA))
    elif kind == "motion":
        kernel = line_kernel(between_log(severity, *MOTION_LENGTH), angle)
    else:
        kernel = disc_kernel(between_log(severity, *DEFOCUS_RADIUS))
    return np.clip(convolve(frames, kernel), 0, 1)
