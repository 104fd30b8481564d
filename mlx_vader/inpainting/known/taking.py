"""Takes a known mark off a frame: a subtraction and a membrane, each wrong in its own way, become one picture.

The subtraction shows the scene with noise that is amplified; the membrane is smooth, but lacks the scene's texture.
Their difference is that texture and that noise. It is split into coarse and fine parts: texture is mostly coarse,
noise mostly fine, and of each part as much is kept as is texture (Wiener's filter, in bands).
"""

import cv2
import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import Frame
from mlx_vader.inpainting.unblend.mark import OPAQUE, Mark
from mlx_vader.inpainting.unblend.yuv import rgb_of, yuv_of

#: Standard deviations of the Gaussians that part coarse from fine, in pixels.
_BANDS = (2.5, 1.0)
#: The least noise of a decoded sample, in levels, and by how much a codec's noise is coarser than white noise.
_NOISE, _COARSER = np.array([1.0, 2.0, 2.0], np.float32), 2.0
#: Where the mark is opaque, and where a sample is at the end of its range, the subtraction's variance counts so many
#: times.
_DISTRUST = 30.0
_LOWEST, _HIGHEST = 0.5, 254.5
#: Side of the square over which texture is measured.
_COMPARED = 31


def take(frame: Frame, mark: Mark) -> Float32[np.ndarray, "n 3"]:
    """RGB in [0, 1] of the pixels of `mark.region`, row by row, without the mark. `frame`: the crop it lies in."""
    region, levels = mark.region, 255 * frame
    seen = levels[region]
    subtracted = (yuv_of(seen) - mark.product) * mark.gain
    noise = np.maximum(mark.noise, np.square(_NOISE * mark.gain))
    clipped = ((seen >= _HIGHEST) | (seen <= _LOWEST)).any(axis=1, keepdims=True)
    noise = np.where((mark.alpha[:, :1] > OPAQUE) | clipped, _DISTRUST * noise, noise)
    smooth = _smooth(levels, subtracted, mark)
    apart, variance = np.zeros((2, *region.shape, 3), np.float32)
    apart[region], variance[region] = subtracted - smooth, noise
    kept = np.zeros_like(apart)
    weight = np.where(region[..., None], 1 / np.maximum(variance, 1e-6), np.float32(0))
    coarse, coarse_variance = np.zeros((2, *region.shape, 3), np.float32)
    for sigma in (*_BANDS, 0.0):
        finer, its_variance = _softened(apart, weight, variance, sigma)
        band = finer - coarse
        band_variance = np.maximum(its_variance - coarse_variance, 0.02 * variance)
        kept += band * _share(band, band_variance, region)
        coarse, coarse_variance = finer, its_variance
    return np.clip(rgb_of(smooth + kept[region]) / np.float32(255), 0, 1)


def _smooth(
    levels: Float32[np.ndarray, "h w 3"], subtracted: Float32[np.ndarray, "n 3"], mark: Mark
) -> Float32[np.ndarray, "n 3"]:
    """A membrane over what the mark hides, which starts from its faint rim; the rim itself is as it was subtracted."""
    smooth, membrane = subtracted.copy(), mark.membranes[0]
    if membrane is not None:
        picture = yuv_of(levels)
        picture[mark.region] = subtracted
        smooth[mark.hidden[:, 0]] = membrane.stretched(picture.reshape(-1, 3))
    return smooth


def _softened(
    values: Float32[np.ndarray, "h w 3"],
    weight: Float32[np.ndarray, "h w 3"],
    variance: Float32[np.ndarray, "h w 3"],
    sigma: float,
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w 3"]]:
    """Weighted means around each pixel, and the variance of their noise."""
    if not sigma:
        return values, variance
    total = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-9)
    squares = cv2.GaussianBlur(weight, (0, 0), sigma / np.sqrt(2)) / np.float32(4 * np.pi * sigma**2)
    coarser = _COARSER * squares / np.square(total)
    return cv2.GaussianBlur(weight * values, (0, 0), sigma) / total, np.minimum(coarser, variance)


def _share(
    band: Float32[np.ndarray, "h w 3"], variance: Float32[np.ndarray, "h w 3"], region: np.ndarray
) -> Float32[np.ndarray, "h w 3"]:
    """How much of a band is texture at each pixel, from 0 to 1."""
    side = (_COMPARED, _COMPARED)
    inside = region.astype(np.float32)[..., None]
    number = np.maximum(cv2.blur(inside[..., 0], side), 1e-3)[..., None]
    texture = np.maximum(cv2.blur(inside * (np.square(band) - variance), side) / number, 0)
    return texture / np.maximum(texture + variance, 1e-6)
