"""Structural similarity over five scales (Wang, Simoncelli and Bovik, Asilomar 2003), with the published weights.

    MS-SSIM = l₅^w₅ · Πₛ (cₛ sₛ)^wₛ,   s = 1 … 5, each scale half of the one before

l is the luminance of SSIM, cs its contrast and structure, each the mean over a frame.
"""

import numpy as np
from jaxtyping import Float

from mlx_vader.metrics.ssim import RADIUS, likeness

#: Of the scales, from the whole size to a sixteenth.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

#: The last scale needs one whole window.
SMALLEST = (2 * RADIUS + 1) * 2 ** (len(WEIGHTS) - 1)


def ms_ssim(restored: Float[np.ndarray, "*lead h w c"], clean: Float[np.ndarray, "*lead h w c"]) -> float:
    """Mean MS-SSIM of values in [0, 1] over channels and frames, in float64; frames of at least 176 × 176 pixels.

    Scales are halved by means over 2 × 2 pixels; an odd row or column at the end is dropped. A negative structure
    counts as 0. Equal to `pytorch_msssim.ms_ssim` with `data_range=1` where the sizes can be halved four times.
    """
    height, width = restored.shape[-3:-1]
    if min(height, width) < SMALLEST:
        raise ValueError(f"MS-SSIM needs frames of at least {SMALLEST}x{SMALLEST}, not {width}x{height}")
    pairs = zip(*(np.reshape(clip, (-1, *clip.shape[-3:])) for clip in (restored, clean)), strict=True)
    return float(np.mean([_of_frame(*pair) for pair in pairs]))


def _of_frame(a: Float[np.ndarray, "h w c"], b: Float[np.ndarray, "h w c"]) -> float:
    product = np.ones(a.shape[-1])
    for scale, weight in enumerate(WEIGHTS, 1):
        whole, structure = (part.mean(axis=(0, 1)) for part in likeness(a, b))
        product *= np.maximum(whole if scale == len(WEIGHTS) else structure, 0) ** weight
        a, b = _halved(a), _halved(b)
    return float(product.mean())


def _halved(image: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h2 w2 c"]:
    rows, columns = (side // 2 for side in image.shape[:2])
    return (
        image[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, -1).mean(axis=(1, 3), dtype=np.float64)
    )
