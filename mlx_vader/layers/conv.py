"""Convolutions in the forms that run fast on both of MLX's devices.

Weights keep MLX's layout `(out, height, width, in)`, so that one rule carries every one of them to PyTorch. A 1x1
convolution is a matrix product; so are a 2x2 convolution with stride 2 and its transpose, after a reshape.
"""

import math

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.layers import cpu


def uniform_init(shape: tuple[int, ...], fan_in: int) -> mx.array:
    """PyTorch's default for convolutions: uniform within ±1/√fan_in."""
    bound = 1 / math.sqrt(fan_in)
    return mx.random.uniform(-bound, bound, shape)


class Pointwise(nn.Module):
    """A 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = uniform_init((outputs, 1, 1, inputs), inputs)
        self.bias = uniform_init((outputs,), inputs)

    def __call__(self, x: Float[mx.array, "*n inputs"]) -> Float[mx.array, "*n outputs"]:
        return mx.addmm(self.bias, x, self.weight[:, 0, 0].T)


class Conv3x3(nn.Module):
    """A dense 3x3 convolution that keeps the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = uniform_init((outputs, 3, 3, inputs), 9 * inputs)
        self.bias = uniform_init((outputs,), 9 * inputs)

    def __call__(self, x: Float[mx.array, "n h w inputs"]) -> Float[mx.array, "n h w outputs"]:
        if cpu.on_cpu():
            return cpu.conv3x3(x, self.weight) + self.bias
        return mx.conv2d(x, self.weight, padding=1) + self.bias


class Depthwise3x3(nn.Module):
    """A 3x3 convolution of each channel by itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = uniform_init((channels, 3, 3, 1), 9)
        self.bias = uniform_init((channels,), 9)

    def __call__(self, x: Float[mx.array, "n h w channels"]) -> Float[mx.array, "n h w channels"]:
        if cpu.on_cpu():
            return cpu.depthwise(x, self.weight) + self.bias
        return mx.conv2d(x, self.weight, padding=1, groups=x.shape[-1]) + self.bias


class Downsample2x2(nn.Module):
    """A 2x2 convolution with stride 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = uniform_init((outputs, 2, 2, inputs), 4 * inputs)
        self.bias = uniform_init((outputs,), 4 * inputs)

    def __call__(self, x: Float[mx.array, "n h w inputs"]) -> Float[mx.array, "n h2 w2 outputs"]:
        n, h, w, c = x.shape
        patches = x.reshape(n, h // 2, 2, w // 2, 2, c).swapaxes(2, 3).reshape(n, h // 2, w // 2, 4 * c)
        return mx.addmm(self.bias, patches, self.weight.reshape(-1, 4 * c).T)


class Upsample2x2(nn.Module):
    """A transposed 2x2 convolution with stride 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = uniform_init((outputs, 2, 2, inputs), 4 * outputs)
        self.bias = uniform_init((outputs,), 4 * outputs)

    def __call__(self, x: Float[mx.array, "n h w inputs"]) -> Float[mx.array, "n h2 w2 outputs"]:
        n, h, w, c = x.shape
        kernel = self.weight.transpose(1, 2, 0, 3).reshape(-1, c).T
        patches = mx.addmm(mx.tile(self.bias, 4), x, kernel).reshape(n, h, w, 2, 2, -1)
        return patches.swapaxes(2, 3).reshape(n, 2 * h, 2 * w, -1)
