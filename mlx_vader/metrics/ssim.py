"""Structural similarity (Wang et al. 2004) with the published settings: a Gaussian window of σ 1.5, 11 × 11."""

import cv2
import numpy as np
from jaxtyping import Float

SIGMA = 1.5
RADIUS = 5
C1 = 0.01**2
C2 = 0.03**2


def ssim(restored: Float[np.ndarray, "*lead h w c"], clean: Float[np.ndarray, "*lead h w c"]) -> float:
    """Mean SSIM of values in [0, 1] over channels and frames, in float64; frames of at least 11 × 11 pixels.

    Equal to `skimage.metrics.structural_similarity` with `gaussian_weights=True`, `sigma=1.5`,
    `use_sample_covariance=False`, `data_range=1`, which leaves out a border of 5 pixels.
    """
    if min(restored.shape[-3:-1]) < 2 * RADIUS + 1:
        raise ValueError(
            f"SSIM needs frames of at least 11x11, not {restored.shape[-3]}x{restored.shape[-2]}"
        )
    pairs = zip(*(np.reshape(clip, (-1, *clip.shape[-3:])) for clip in (restored, clean)), strict=True)
    return float(np.mean([likeness(*pair)[0].mean() for pair in pairs]))


def likeness(
    restored: Float[np.ndarray, "h w c"], clean: Float[np.ndarray, "h w c"]
) -> tuple[Float[np.ndarray, "h2 w2 c"], Float[np.ndarray, "h2 w2 c"]]:
    """SSIM at each pixel of a frame that has a whole window, and its part without luminance: contrast, structure."""
    a = np.asarray(restored, np.float64)
    b = np.asarray(clean, np.float64)
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a = _blur(a * a) - mean_a**2
    variance_b = _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    structure = (2 * covariance + C2) / (variance_a + variance_b + C2)
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return luminance * structure, structure


def _blur(image: np.ndarray) -> np.ndarray:
    """The Gaussian window at every pixel that has a whole one."""
    weights = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
    weights /= weights.sum()
    blurred = cv2.sepFilter2D(image, -1, weights, weights).reshape(image.shape)
    return blurred[RADIUS:-RADIUS, RADIUS:-RADIUS]
