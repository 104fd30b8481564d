"""Layer normalisation over the channels of a feature map."""

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float


class LayerNorm2d(nn.Module):
    """Normalises each pixel over its channels (biased variance), then scales and shifts."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = mx.ones(channels)
        self.bias = mx.zeros(channels)
        self.eps = eps

    def __call__(self, x: Float[mx.array, "*n channels"]) -> Float[mx.array, "*n channels"]:
        return mx.fast.layer_norm(x, self.weight, self.bias, self.eps)
