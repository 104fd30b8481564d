"""Root of the mean square of each clip: every clip counts by how far it is off, and large errors lead inside it."""

import mlx.core as mx
from jaxtyping import Float

EPSILON = 1e-5


def rmse(restored: Float[mx.array, "b t h w c"], clean: Float[mx.array, "b t h w c"]) -> mx.array:
    """Mean over the clips of sqrt(mean of difference² + 1e-5)."""
    return mx.sqrt(mx.square(restored - clean).mean(axis=(1, 2, 3, 4)) + EPSILON).mean()
