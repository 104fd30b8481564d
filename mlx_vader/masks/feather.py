"""How far a mask counts: in full inside it and a little around it, and less and less beyond.

Masks drawn by hand hug the mark, so what replaces it counts in full up to 2 pixels around the mask. It fades out over 2
more. Pixels further than `REACH` from the mask are left exactly as they are.
"""

import numpy as np
from jaxtyping import Float32

from mlx_vader.masks.growth import along_both

_GROWN, _BLURRED = 3, 1
#: Pixels around the mask that may change.
REACH = _GROWN + _BLURRED


def feathered(mask: Float32[np.ndarray, "h w 1"]) -> Float32[np.ndarray, "h w 1"]:
    """A binary mask grown and blurred: exactly 1 where the replacement counts alone, exactly 0 out of reach."""
    grown = along_both(mask, _GROWN, np.maximum)
    return along_both(grown, _BLURRED, np.add) / np.float32((2 * _BLURRED + 1) ** 2)


def blend(
    frame: Float32[np.ndarray, "*pixels 3"],
    replacement: Float32[np.ndarray, "*pixels 3"],
    alpha: Float32[np.ndarray, "*pixels 1"],
) -> Float32[np.ndarray, "*pixels 3"]:
    """`replacement` where alpha is 1; the frame, bit for bit, where it is 0."""
    return frame + alpha * (replacement - frame)
