"""Peak signal-to-noise ratio, whole frames or one side of a mask."""

import numpy as np
from jaxtyping import Float

#: Equal clips have an infinite PSNR; this stands for it in tables and means.
CEILING = 100.0


def psnr(restored: Float[np.ndarray, "*shape"], clean: Float[np.ndarray, "*shape"]) -> float:
    """PSNR in dB of values in [0, 1], in float64: one mean over all that is given; infinite for equal arrays."""
    return _decibel(float(_squared_error(restored, clean).mean()))


def masked_psnr(
    restored: Float[np.ndarray, "*lead c"],
    clean: Float[np.ndarray, "*lead c"],
    mask: Float[np.ndarray, "*lead 1"],
    *,
    inside: bool = True,
) -> float:
    """PSNR in dB over the pixels where the mask is above ½ (`inside`) or those where it is not.

    One mean squared error over these pixels of all frames together; infinite where they are equal, NaN where there are
    none.
    """
    chosen = (mask[..., 0] > 0.5) == inside
    if not chosen.any():
        return float("nan")
    return _decibel(float(_squared_error(restored[chosen], clean[chosen]).mean()))


def _squared_error(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.square(np.asarray(a, np.float64) - np.asarray(b, np.float64))


def _decibel(mean_squared_error: float) -> float:
    return float("inf") if mean_squared_error == 0 else -10 * float(np.log10(mean_squared_error))
