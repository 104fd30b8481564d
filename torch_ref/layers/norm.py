"""Layer normalisation over the channels of a feature map."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    """Normalises each pixel over its channels (biased variance), then scales and shifts."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        variance, mean = torch.var_mean(x, dim=1, unbiased=False, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + self.eps)
        return x * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)
