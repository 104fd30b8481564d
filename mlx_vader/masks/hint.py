"""The hint that a mask makes: it says where overlays are, for networks that take one."""

import numpy as np
from jaxtyping import Float, Float32

from mlx_vader.interface import ARTIFACT, CLEAN, UNKNOWN

__all__ = ["ARTIFACT", "CLEAN", "UNKNOWN", "hint_of"]


def hint_of(mask: Float[np.ndarray, "*shape 1"]) -> Float32[np.ndarray, "*shape 1"]:
    """More than one half is artifact, the rest is clean."""
    return np.where(mask > 0.5, np.float32(ARTIFACT), np.float32(CLEAN))
