"""The blocks of the v1 networks: NAFNet's ideas with depthwise convolutions in both halves.

Source: the v1 networks; NAFNet is Chen et al., "Simple Baselines for Image Restoration", ECCV 2022. Names follow
the published checkpoints.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from torch_ref.layers.conv import conv3x3, depthwise3x3, downsample2x2, pointwise, upsample2x2
from torch_ref.layers.norm import LayerNorm2d


class GlobalAveragePool(nn.Module):
    """The mean over a feature map, as a map of one pixel."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c 1 1"]:
        return x.mean(dim=(2, 3), keepdim=True)


def simple_gate(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h w"]:
    """The first half of the channels times the second."""
    first, second = x.chunk(2, dim=1)
    return first * second


class NAFBlock(nn.Module):
    """Two gated residual branches, the first with channel attention; an identity when fresh."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(channels)
        self.conv1 = pointwise(channels, 2 * channels)
        self.conv2 = depthwise3x3(2 * channels)
        self.sca = nn.Sequential(GlobalAveragePool(), pointwise(channels, channels))
        self.conv3 = pointwise(channels, channels)
        self.norm2 = LayerNorm2d(channels)
        self.conv4 = pointwise(channels, 2 * channels)
        self.conv5 = depthwise3x3(2 * channels)
        self.conv6 = pointwise(channels, channels)
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        y = simple_gate(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.conv3(y * self.sca(y)) * self.beta
        y = simple_gate(self.conv5(self.conv4(self.norm2(x))))
        return x + self.conv6(y) * self.gamma


class DownBlock(nn.Module):
    """NAF blocks, then half the size; the skip is taken in between."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[NAFBlock(inputs) for _ in range(blocks)])
        self.down = downsample2x2(inputs, outputs)

    def forward(self, x: Float[Tensor, "n c h w"]) -> tuple[Tensor, Tensor]:
        skip = self.blocks(x)
        return self.down(skip), skip


class UpBlock(nn.Module):
    """Twice the size, the skip fused in by a 1x1 convolution, then NAF blocks."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.up = upsample2x2(inputs, outputs)
        self.skip_conv = pointwise(2 * outputs, outputs)
        self.blocks = nn.Sequential(*[NAFBlock(outputs) for _ in range(blocks)])

    def forward(self, x: Float[Tensor, "n c h w"], skip: Float[Tensor, "n c2 h2 w2"]) -> Tensor:
        x = self.skip_conv(torch.cat([self.up(x), skip], dim=1))
        return self.blocks(x)


def pixel_head(inputs: int, hidden: int, outputs: int) -> list[nn.Module]:
    """A 3x3 convolution, GELU and a 1x1 convolution: features to pixels."""
    return [conv3x3(inputs, hidden), nn.GELU(), pointwise(hidden, outputs)]


def mask_head(channels: int) -> nn.Sequential:
    """A pixel head that ends in a probability."""
    return nn.Sequential(*pixel_head(channels, channels // 2, 1), nn.Sigmoid())
