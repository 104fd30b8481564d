"""The convolutions of `mlx_vader/layers/conv.py`, which PyTorch has."""

from torch import nn


def pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    """A 1x1 convolution."""
    return nn.Conv2d(inputs, outputs, 1)


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    """A dense 3x3 convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def depthwise3x3(channels: int) -> nn.Conv2d:
    """A 3x3 convolution of each channel by itself."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels)


def downsample2x2(inputs: int, outputs: int) -> nn.Conv2d:
    """A 2x2 convolution with stride 2."""
    return nn.Conv2d(inputs, outputs, 2, stride=2)


def upsample2x2(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """A transposed 2x2 convolution with stride 2."""
    return nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
