"""How noisy a subtraction is: it is rougher than the picture around the mark by what the codec lost, amplified.

A pixel's difference from the mean of its four neighbours is measured over time, in the subtracted mark and around it.
"""

import cv2
import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import LevelClip, Pixels
from mlx_vader.dilation import dilated
from mlx_vader.inpainting.unblend.yuv import yuv_of

#: Side of the square from which the picture's own roughness is taken, and of that over which noise is averaged.
_AROUND, _WITHIN = 81, 5
#: White noise of variance 1 has this roughness.
_WHITE = 1.25
#: Pixels around the mark that its coding may have spoiled.
_NEAR = 3
#: How far neighbours are: chroma is halved.
_STEPS = (1, 2, 2)


def noise_of(
    frames: LevelClip,
    region: Pixels,
    product: Float32[np.ndarray, "n 3"],
    gain: Float32[np.ndarray, "n 3"],
) -> Float32[np.ndarray, "n 3"]:
    """Variance of each pixel's subtraction, `gain * (frame - product)`, in squared levels."""
    rough = np.zeros((*region.shape, 3), np.float32)
    for levels in frames:
        picture = yuv_of(levels)
        picture[region] = (picture[region] - product) * gain
        for channel, step in enumerate(_STEPS):
            rough[..., channel] += _roughness(picture[..., channel], step)
    rough /= len(frames)
    far = ~dilated(region, _NEAR)
    own = _mean_over(rough, far, _AROUND)
    return np.maximum(_mean_over(rough, region, _WITHIN) - own, 0)[region] / np.float32(_WHITE)


def _roughness(plane: Float32[np.ndarray, "h w"], step: int) -> Float32[np.ndarray, "h w"]:
    kernel = np.zeros((2 * step + 1, 2 * step + 1), np.float32)
    kernel[step, step] = 1
    kernel[[0, step, step, -1], [step, 0, -1, step]] = -0.25
    return np.square(cv2.filter2D(plane, -1, kernel, borderType=cv2.BORDER_REPLICATE))


def _mean_over(
    values: Float32[np.ndarray, "h w 3"], where: Pixels, side: int
) -> Float32[np.ndarray, "h w 3"]:
    """Means of those values that count, over squares."""
    counting = where.astype(np.float32)
    number = cv2.blur(counting, (side, side))
    return cv2.blur(values * counting[..., None], (side, side)) / np.maximum(number, 1e-6)[..., None]
