"""Temporal consistency: the restored video changes from frame to frame as the clean one does."""

import mlx.core as mx
from jaxtyping import Float


def temporal(restored: Float[mx.array, "b t h w c"], clean: Float[mx.array, "b t h w c"]) -> mx.array:
    """L1 between the frame differences of both; zero for a clip of one frame."""
    if restored.shape[1] == 1:
        return mx.zeros(())
    error = restored - clean
    return mx.abs(error[:, 1:] - error[:, :-1]).mean()
