"""A 3x3 convolution that trains as three branches and runs as one.

Source: Ding et al., "RepVGG", CVPR 2021: a 3x3, a 1x1 and an identity branch, summed. Instead of batch norms, whose
statistics differ between training and a video, each output's kernel is standardised and scaled by a gain (Brock et
al., "Characterizing signal propagation", ICLR 2021). All of it is linear in the input, so the branches are summed as
kernels: a step costs one convolution, and `fused` is the same function.
"""

import copy
import math
from typing import TypeVar

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float
from mlx.utils import tree_unflatten

from mlx_vader.layers import cpu
from mlx_vader.layers.conv import Conv3x3, uniform_init

EPSILON = 1e-6

Net = TypeVar("Net", bound=nn.Module)


class RepConv3x3(nn.Module):
    """A dense 3x3 convolution that keeps the size; with an identity branch where inputs and outputs are as many."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight3 = uniform_init((outputs, 3, 3, inputs), 9 * inputs)
        self.weight1 = uniform_init((outputs, 1, 1, inputs), inputs)
        self.gain3 = mx.ones((outputs,))
        self.gain1 = mx.full((outputs,), 0.3)
        if inputs == outputs:
            self.gain0 = mx.full((outputs,), 0.3)
        self.bias = mx.zeros((outputs,))

    def __call__(self, x: Float[mx.array, "n h w inputs"]) -> Float[mx.array, "n h w outputs"]:
        kernel = self.kernel()
        if cpu.on_cpu():
            return cpu.conv3x3(x, kernel) + self.bias
        return mx.conv2d(x, kernel, padding=1) + self.bias

    def kernel(self) -> Float[mx.array, "outputs 3 3 inputs"]:
        """The three branches as one kernel."""
        point = self.gain1[:, None, None, None] * standardised(self.weight1)
        if "gain0" in self:
            point = point + mx.diag(self.gain0)[:, None, None]
        return self.gain3[:, None, None, None] * standardised(self.weight3) + mx.pad(
            point, [(0, 0), (1, 1), (1, 1), (0, 0)]
        )

    def fused(self) -> Conv3x3:
        """The same function as a plain convolution."""
        outputs, inputs = self.weight3.shape[0], self.weight3.shape[-1]
        plain = Conv3x3(inputs, outputs)
        plain.weight, plain.bias = self.kernel(), self.bias
        return plain


def fuse(net: Net) -> Net:
    """A copy of a network whose convolutions are plain ones, for restoring; the same network where all are plain.

    The copy shares the other weights. Not for training: the branches are gone.
    """
    branched = [(name, module) for name, module in net.named_modules() if isinstance(module, RepConv3x3)]
    if not branched:
        return net
    fused = copy.deepcopy(net)
    fused.update_modules(tree_unflatten([(name, module.fused()) for name, module in branched]))
    return fused


def standardised(weight: Float[mx.array, "outputs h w inputs"]) -> Float[mx.array, "outputs h w inputs"]:
    """Each output's kernel with mean 0 and such a variance that it keeps the size of its inputs."""
    mean = weight.mean(axis=(1, 2, 3), keepdims=True)
    variance = mx.square(weight - mean).mean(axis=(1, 2, 3), keepdims=True)
    return (weight - mean) * mx.rsqrt(variance + EPSILON) / math.sqrt(weight[0].size)
