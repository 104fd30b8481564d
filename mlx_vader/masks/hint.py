"""The hint: a fourth channel of the frames that says where overlays are, for networks that take it."""

import numpy as np
from jaxtyping import Float

#: Zero is what padding and a missing hint are: nothing is known.
UNKNOWN, ARTIFACT, CLEAN = 0.0, 1.0, -1.0


def with_hint(
    frames: Float[np.ndarray, "t h w 3"], mask: Float[np.ndarray, "t h w 1"] | None
) -> Float[np.ndarray, "t h w 4"]:
    """Frames with a hint made of a mask (more than one half is artifact, the rest is clean); without one, unknown."""
    hint = np.full((*frames.shape[:3], 1), UNKNOWN, np.float32)
    if mask is not None:
        hint[:] = np.where(mask > 0.5, np.float32(ARTIFACT), np.float32(CLEAN))
    return np.concatenate([frames, hint], axis=-1)
