"""The hint: an input of networks that take it, which says where overlays are."""

import numpy as np
from jaxtyping import Float

#: Zero is what padding and a missing hint are: nothing is known.
UNKNOWN, ARTIFACT, CLEAN = 0.0, 1.0, -1.0


def hint_of(mask: Float[np.ndarray, "*shape 1"]) -> Float[np.ndarray, "*shape 1"]:
    """A hint made of a mask: more than one half is artifact, the rest is clean."""
    return np.where(mask > 0.5, np.float32(ARTIFACT), np.float32(CLEAN))
