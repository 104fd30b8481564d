"""MLX's Muon for machines without a GPU: the same update, its matrix products in NumPy.

MLX's Linux wheel brings the reference BLAS, an order of magnitude slower than NumPy's.
"""

from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
from jaxtyping import Float

#: Of the quintic iteration (Jordan et al., 2024): it brings singular values near 1 in few steps.
LINEAR, CUBIC, QUINTIC = 3.4445, -4.7750, 2.0315


class MuonOnCPU(optim.Muon):
    """Cannot be compiled by MLX: each update leaves its graph."""

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict[str, Any]) -> mx.array:
        """The kernel after one step; `state` holds its momentum, as MLX's does. Only what our training uses."""
        state["v"] = self.momentum * state["v"] + (1 - self.momentum) * gradient
        ahead = np.array(gradient * (1 - self.momentum) + state["v"] * self.momentum)
        direction = orthogonal(ahead.reshape(len(ahead), -1), self.ns_steps).reshape(ahead.shape)
        # MLX's factor, which it takes from the last two axes.
        larger = max(1.0, ahead.shape[-2] / ahead.shape[-1]) ** 0.5
        return parameter - self.learning_rate * larger * mx.array(direction)


def orthogonal(matrix: Float[np.ndarray, "m n"], steps: int) -> Float[np.ndarray, "m n"]:
    """About the nearest orthogonal matrix, by `steps` of the Newton-Schulz iteration."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = LINEAR * x + (CUBIC * square + QUINTIC * square @ square) @ x
    return np.ascontiguousarray(x.T if tall else x)
