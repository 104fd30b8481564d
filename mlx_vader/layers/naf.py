"""The blocks of the v1 networks: NAFNet's ideas with depthwise convolutions in both halves.

Source: the v1 networks; NAFNet is Chen et al., "Simple Baselines for Image Restoration", ECCV 2022. Names follow
the published checkpoints.
"""

from collections.abc import Sequence

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.layers import cpu
from mlx_vader.layers.conv import Conv3x3, Depthwise3x3, Downsample2x2, Pointwise, Upsample2x2
from mlx_vader.layers.norm import LayerNorm2d


class GlobalAveragePool(nn.Module):
    """The mean over a feature map, as a map of one pixel."""

    def __call__(self, x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n 1 1 c"]:
        return x.mean(axis=(1, 2), keepdims=True)


class GELU(nn.Module):
    """The exact GELU."""

    def __call__(self, x: Float[mx.array, "*n"]) -> Float[mx.array, "*n"]:
        return cpu.gelu(x) if cpu.on_cpu() else nn.gelu(x)


def sequential(modules: Sequence[nn.Module], x: mx.array) -> mx.array:
    """Applies modules in order. They stay a list, so that parameter names equal those of `torch.nn.Sequential`."""
    for module in modules:
        x = module(x)
    return x


def simple_gate(x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h w c2"]:
    """The first half of the channels times the second."""
    first, second = mx.split(x, 2, axis=-1)
    return first * second


class NAFBlock(nn.Module):
    """Two gated residual branches, the first with channel attention; an identity when fresh."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(channels)
        self.conv1 = Pointwise(channels, 2 * channels)
        self.conv2 = Depthwise3x3(2 * channels)
        self.sca = [GlobalAveragePool(), Pointwise(channels, channels)]
        self.conv3 = Pointwise(channels, channels)
        self.norm2 = LayerNorm2d(channels)
        self.conv4 = Pointwise(channels, 2 * channels)
        self.conv5 = Depthwise3x3(2 * channels)
        self.conv6 = Pointwise(channels, channels)
        self.beta = mx.zeros((1, 1, 1, channels))
        self.gamma = mx.zeros((1, 1, 1, channels))

    def __call__(self, x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h w c"]:
        y = simple_gate(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.conv3(y * sequential(self.sca, y)) * self.beta
        y = simple_gate(self.conv5(self.conv4(self.norm2(x))))
        return x + self.conv6(y) * self.gamma


class DownBlock(nn.Module):
    """NAF blocks, then half the size; the skip is taken in between."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.blocks = [NAFBlock(inputs) for _ in range(blocks)]
        self.down = Downsample2x2(inputs, outputs)

    def __call__(self, x: Float[mx.array, "n h w c"]) -> tuple[mx.array, mx.array]:
        skip = sequential(self.blocks, x)
        return self.down(skip), skip


class UpBlock(nn.Module):
    """Twice the size, the skip fused in by a 1x1 convolution, then NAF blocks."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.up = Upsample2x2(inputs, outputs)
        self.skip_conv = Pointwise(2 * outputs, outputs)
        self.blocks = [NAFBlock(outputs) for _ in range(blocks)]

    def __call__(self, x: Float[mx.array, "n h w c"], skip: Float[mx.array, "n h2 w2 c2"]) -> mx.array:
        x = self.skip_conv(mx.concatenate([self.up(x), skip], axis=-1))
        return sequential(self.blocks, x)


def pixel_head(inputs: int, hidden: int, outputs: int) -> list[nn.Module]:
    """A 3x3 convolution, GELU and a 1x1 convolution: features to pixels."""
    return [Conv3x3(inputs, hidden), GELU(), Pointwise(hidden, outputs)]


def mask_head(channels: int) -> list[nn.Module]:
    """A pixel head that ends in a probability."""
    return [*pixel_head(channels, channels // 2, 1), nn.Sigmoid()]
