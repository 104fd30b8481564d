"""How much a restored place flickers: its change from frame to frame against that of the clean clip."""

import numpy as np
from jaxtyping import Float


def flicker(
    restored: Float[np.ndarray, "t h w c"],
    clean: Float[np.ndarray, "t h w c"],
    mask: Float[np.ndarray, "t h w 1"],
) -> float:
    """Mean |ΔI| of `restored` over that of `clean`, in the pixels where the mask of both frames is above ½.

    1: as much as the clean clip; more flickers, less is smeared over time. NaN where there are no such pixels, or the
    clean clip stands still in them.
    """
    held = (mask[1:, ..., 0] > 0.5) & (mask[:-1, ..., 0] > 0.5)
    changes = [np.abs(np.diff(clip.astype(np.float64), axis=0))[held] for clip in (restored, clean)]
    if not held.any() or not changes[1].any():
        return float("nan")
    return float(changes[0].mean() / changes[1].mean())
