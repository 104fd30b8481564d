"""Subtracts a mark from a frame.

What is left after the subtraction is the scene, with the codec's noise 1 / (1 - alpha) times as strong; a membrane over
the mark is smooth, but blurred. Each is weighed by how wrong it is likely to be.
"""

import cv2
import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import Frame
from mlx_vader.inpainting.unblend.mark import OPAQUE, Mark
from mlx_vader.inpainting.unblend.yuv import rgb_of, yuv_of

#: The least noise of a decoded sample, in levels.
_NOISE = 1.5
#: Scale of the opacity's standard error (pixels of one part err alike only in part), its bound, and what never goes
#: away.
_ERROR_SCALE, _LARGEST_ERROR, _LEAST_ERROR = 0.5, 0.2, 0.012
#: Where the mark is opaque the subtraction's variance counts so many times.
_DISTRUST = 30.0
#: Side of the square over which subtraction and membrane are compared.
_COMPARED = 31
#: How far a frame's own error of the membrane may lie from what is usual here, as a factor of its variance: at least,
#: and at most, for parts of one colour and for even ones.
_USUAL = np.array([0.3, 6.0, 40.0], np.float32)
#: Of luma's variance so much, and so many squared levels, is chroma's.
_CHROMA_SHARE, _CHROMA_LEAST = 0.08, 2.0


def remove(frame: Frame, mark: Mark) -> Float32[np.ndarray, "n 3"]:
    """RGB in [0, 1] of the pixels of `mark.region`, row by row, without the mark. `frame`: the crop that was fitted."""
    there = np.flatnonzero(mark.region)
    pixels = np.ascontiguousarray(frame.reshape(-1, 3))
    seen = yuv_of(255 * pixels[there])
    subtracted = (seen - mark.product) * mark.gain
    smooth = _smooth(pixels, there, subtracted, mark)
    opacity_error = np.square(_ERROR_SCALE * np.minimum(mark.alpha_error, _LARGEST_ERROR))[:, None]
    opacity_variance = (opacity_error + _LEAST_ERROR**2) * np.square(mark.colour - smooth)
    variance = np.maximum(mark.noise, np.square(_NOISE * mark.gain)) + np.square(mark.gain) * opacity_variance
    usual = _usual_variance(mark)
    apart = _averaged(np.square(subtracted - smooth) - variance, mark)
    most = np.where(mark.even, _USUAL[2], _USUAL[1])[:, None] * usual
    smooth_variance = np.maximum(np.clip(apart, _USUAL[0] * usual, most), _CHROMA_LEAST)
    # What a membrane's error cannot explain is the subtraction's.
    variance = variance + np.maximum(apart - most, 0)
    variance = np.where(mark.alpha[:, :1] > OPAQUE, _DISTRUST, mark.doubt[:, None]) * variance
    mean = (subtracted * smooth_variance + smooth * variance) / (variance + smooth_variance)
    return np.clip(rgb_of(mean) / np.float32(255), 0, 1)


def _usual_variance(mark: Mark) -> Float32[np.ndarray, "n 3"]:
    luma = mark.fill_variance
    chroma = _CHROMA_SHARE * luma + np.float32(_CHROMA_LEAST)
    return np.stack([luma, chroma, chroma], axis=1)


def _smooth(
    pixels: Float32[np.ndarray, "hw 3"],
    there: np.ndarray,
    subtracted: Float32[np.ndarray, "n 3"],
    mark: Mark,
) -> Float32[np.ndarray, "n 3"]:
    """A membrane over what the mark hides, which starts from its faint rim; the rim itself is as it was subtracted."""
    smooth = subtracted.copy()
    luma, chroma = mark.membranes
    for membrane, channels in ((luma, slice(0, 1)), (chroma, slice(1, 3))):
        if membrane is None:
            continue
        known = yuv_of(255 * pixels[membrane.around])[:, channels].copy()
        at = np.searchsorted(membrane.around, there)
        inside = np.minimum(at, len(membrane.around) - 1)
        in_rim = membrane.around[inside] == there
        known[inside[in_rim]] = subtracted[in_rim, channels]
        smooth[mark.hidden[:, channels.start], channels] = membrane.solved(known)
    return smooth


def _averaged(values: Float32[np.ndarray, "n 3"], mark: Mark) -> Float32[np.ndarray, "n 3"]:
    """Means over squares, of the pixels in the region alone."""
    spread = np.zeros((*mark.region.shape, 3), np.float32)
    spread[mark.region] = values
    side = (_COMPARED, _COMPARED)
    number = cv2.blur(mark.region.astype(np.float32), side)
    return cv2.blur(spread, side)[mark.region] / np.maximum(number[mark.region], 1e-3)[:, None]
