"""Charbonnier: L1 with a round corner, and more weight where the artifact was."""

import mlx.core as mx
from jaxtyping import Float

EPSILON = 1e-6


def charbonnier(
    restored: Float[mx.array, "b t h w c"],
    clean: Float[mx.array, "b t h w c"],
    mask: Float[mx.array, "b t h w 1"] | None = None,
    mask_weight: float = 1.0,
) -> mx.array:
    """Mean of sqrt(difference² + 1e-6); pixels inside the mask (1 = artifact) count `mask_weight` times."""
    distance = mx.sqrt(mx.square(restored - clean) + EPSILON)
    if mask is None or mask_weight == 1.0:
        return distance.mean()
    return (distance * (1 + (mask_weight - 1) * mask)).mean()
