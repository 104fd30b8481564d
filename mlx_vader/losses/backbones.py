"""The classifiers whose features perceptual losses compare: AlexNet, VGG16 and SqueezeNet 1.1, convolutions only.

Each is a table of layers in torchvision's numbering, so that `features.N.weight` of its checkpoints finds its layer.
The shift-tolerant AlexNet (Ghildyal and Liu, ECCV 2022) has its own; each stride comes with a blur (Zhang, ICML 2019).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mlx.core as mx
import numpy as np
from jaxtyping import Float

#: Convolution weights `(out, h, w, in)` and biases by torchvision name.
Weights = Mapping[str, mx.array]


@dataclass(frozen=True)
class Conv:
    """A convolution and its ReLU. `index` is the layer's number in torchvision's `features`.

    `blur`: a convolution of stride 1, and a blur to half the size before the ReLU.
    """

    index: int
    out: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    blur: bool = False


@dataclass(frozen=True)
class Fire:
    """SqueezeNet's block: 1×1 to `squeeze` channels, then 1×1 and 3×3 side by side to `expand` each."""

    index: int
    squeeze: int
    expand: int


@dataclass(frozen=True)
class Pool:
    """Max pooling, and a blur to half the size if so asked.

    `partial`: a window that reaches over the edge counts too (PyTorch's ceil_mode).
    """

    kernel: int = 2
    stride: int = 2
    partial: bool = False
    blur: bool = False


@dataclass(frozen=True)
class Backbone:
    """Layers, and after which of them (by place in `layers`) LPIPS looks."""

    layers: tuple[Conv | Fire | Pool, ...]
    taps: tuple[int, ...]


ALEX = Backbone(
    (
        Conv(0, 64, 11, 4, 2),
        Pool(3),
        Conv(3, 192, 5, 1, 2),
        Pool(3),
        Conv(6, 384),
        Conv(8, 256),
        Conv(10, 256),
    ),
    taps=(0, 2, 4, 5, 6),
)

_SOFT_POOL = Pool(3, 1, blur=True)
ALEX_SHIFT_TOLERANT = Backbone(
    (
        Conv(0, 64, 11, 1, 2, blur=True),
        _SOFT_POOL,
        Conv(5, 192, 5, 1, 2),
        _SOFT_POOL,
        Conv(9, 384),
        Conv(11, 256),
        Conv(13, 256),
    ),
    taps=ALEX.taps,
)

VGG = Backbone(
    (
        *(Conv(0, 64), Conv(2, 64), Pool()),
        *(Conv(5, 128), Conv(7, 128), Pool()),
        *(Conv(10, 256), Conv(12, 256), Conv(14, 256), Pool()),
        *(Conv(17, 512), Conv(19, 512), Conv(21, 512), Pool()),
        *(Conv(24, 512), Conv(26, 512), Conv(28, 512)),
    ),
    taps=(1, 4, 8, 12, 16),
)

_SQUEEZE_POOL = Pool(3, 2, partial=True)
SQUEEZE = Backbone(
    (
        *(Conv(0, 64, 3, 2, 0), _SQUEEZE_POOL),
        *(Fire(3, 16, 64), Fire(4, 16, 64), _SQUEEZE_POOL),
        *(Fire(6, 32, 128), Fire(7, 32, 128), _SQUEEZE_POOL),
        *(Fire(9, 48, 192), Fire(10, 48, 192), Fire(11, 64, 256), Fire(12, 64, 256)),
    ),
    taps=(0, 3, 6, 8, 9, 10, 11),
)

BACKBONES = {"alex": ALEX, "vgg": VGG, "squeeze": SQUEEZE, "alex-shift-tolerant": ALEX_SHIFT_TOLERANT}

#: The blur's filter along each axis, and the pixels that are mirrored around the picture before it.
BINOMIAL = (0.25, 0.5, 0.25)
BLUR_BORDER = 2


def features(
    backbone: Backbone,
    weights: Weights,
    images: Float[mx.array, "n h w 3"],
    taps: Sequence[int] | None = None,
) -> list[Float[mx.array, "n h2 w2 c"]]:
    """The activations behind each tap, first to last; `images` are normalised as the classifier expects."""
    taps = backbone.taps if taps is None else taps
    x, found = images, []
    for place, layer in enumerate(backbone.layers[: max(taps) + 1]):
        x = _apply(layer, weights, x)
        if place in taps:
            found.append(x)
    return found


def weight_shapes(backbone: Backbone, last: int | None = None) -> dict[str, tuple[int, ...]]:
    """The shape of every weight up to the layer at place `last`, in MLX's layout."""
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 3
    for layer in backbone.layers[: None if last is None else last + 1]:
        if isinstance(layer, Pool):
            continue
        for name, (out, kernel, into) in _convolutions(layer, channels).items():
            shapes[f"{name}.weight"] = (out, kernel, kernel, into)
            shapes[f"{name}.bias"] = (out,)
        channels = out_channels(layer)
    return shapes


def out_channels(layer: Conv | Fire) -> int:
    """The channels that a layer gives."""
    return layer.out if isinstance(layer, Conv) else 2 * layer.expand


def _convolutions(layer: Conv | Fire, channels: int) -> dict[str, tuple[int, int, int]]:
    """(out, kernel, in) of a layer's convolutions by name."""
    if isinstance(layer, Conv):
        return {f"features.{layer.index}": (layer.out, layer.kernel, channels)}
    return {
        f"features.{layer.index}.squeeze": (layer.squeeze, 1, channels),
        f"features.{layer.index}.expand1x1": (layer.expand, 1, layer.squeeze),
        f"features.{layer.index}.expand3x3": (layer.expand, 3, layer.squeeze),
    }


def _apply(layer: Conv | Fire | Pool, weights: Weights, x: mx.array) -> mx.array:
    if isinstance(layer, Pool):
        pooled = _max_pool(x, layer)
        return _blurred(pooled) if layer.blur else pooled
    name = f"features.{layer.index}"
    if isinstance(layer, Conv):
        return mx.maximum(_conv(weights, name, x, layer.stride, layer.padding, layer.blur), 0)
    squeezed = mx.maximum(_conv(weights, f"{name}.squeeze", x), 0)
    sides = [
        _conv(weights, f"{name}.expand1x1", squeezed),
        _conv(weights, f"{name}.expand3x3", squeezed, padding=1),
    ]
    return mx.maximum(mx.concatenate(sides, axis=-1), 0)


def _conv(
    weights: Weights, name: str, x: mx.array, stride: int = 1, padding: int = 0, blur: bool = False
) -> mx.array:
    kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    if not blur:
        return mx.conv2d(x, kernel, stride, padding) + bias
    around = (padding, padding)
    return _blurred_conv(mx.pad(x, [(0, 0), around, around, (0, 0)]), kernel) + bias


def _blurred(x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h2 w2 c"]:
    """Every second pixel of the picture under the binomial filter, first along its height, then along its width."""
    for axis in (1, 2):
        size = x.shape[axis]
        places = np.pad(np.arange(size), BLUR_BORDER, mode="reflect")
        count = (len(places) - len(BINOMIAL)) // 2 + 1
        before, here, after = (
            mx.take(x, mx.array(places[k : k + 2 * count - 1 : 2]), axis) for k in range(3)
        )
        x = BINOMIAL[0] * before + BINOMIAL[1] * here + BINOMIAL[2] * after
    return x


def _blurred_conv(
    x: Float[mx.array, "n h w c"], kernel: Float[mx.array, "out k1 k2 c"], axes: tuple[int, ...] = (1, 2)
) -> Float[mx.array, "n h2 w2 out"]:
    """`_blurred` of a convolution, one axis after the other: both are linear, so it is one convolution with stride 2.

    A fifth of the time of the two on a CPU. At the mirrored border the blur sees the same three values as one step
    further in, or, at the end of an even number, two values half and half.
    """
    if not axes:
        return mx.conv2d(x, kernel, stride=2)
    axis, *others = axes
    body = _blurred_conv(x, _folded(kernel, BINOMIAL, axis), tuple(others))
    first, last = (mx.take(body, mx.array([place]), axis) for place in (0, body.shape[axis] - 1))
    rest = x.shape[axis] - kernel.shape[axis]
    if rest % 2:
        end = mx.split(x, [rest - 1], axis)[1]
        last = _blurred_conv(end, _folded(kernel, (0.5, 0.5), axis), tuple(others))
    return mx.concatenate([first, body, last], axis)


def _folded(kernel: mx.array, taps: Sequence[float], axis: int) -> mx.array:
    """The kernel of a convolution and a filter behind it: wider by one less than the filter's length."""
    more = len(taps) - 1
    wide = mx.zeros(())
    for k, tap in enumerate(taps):
        wide = wide + tap * mx.pad(kernel, [(k, more - k) if i == axis else (0, 0) for i in range(4)])
    return wide


def _max_pool(x: Float[mx.array, "n h w c"], pool: Pool) -> Float[mx.array, "n h2 w2 c"]:
    """The maximum of the window's shifted copies: as fast as a windowed view and gentler to the gradient's memory."""
    height, width = x.shape[1:3]
    rows, columns = (_windows(size, pool) for size in (height, width))
    need = [(count - 1) * pool.stride + pool.kernel for count in (rows, columns)]
    padding = [(0, 0), (0, max(0, need[0] - height)), (0, max(0, need[1] - width)), (0, 0)]
    # Activations are behind a ReLU: a border of zeros never wins over a pixel.
    x = mx.pad(x, padding)
    shifts = [
        x[
            :,
            i : i + (rows - 1) * pool.stride + 1 : pool.stride,
            j : j + (columns - 1) * pool.stride + 1 : pool.stride,
        ]
        for i in range(pool.kernel)
        for j in range(pool.kernel)
    ]
    highest = shifts[0]
    for shifted in shifts[1:]:
        highest = mx.maximum(highest, shifted)
    return highest


def _windows(size: int, pool: Pool) -> int:
    rest = size - pool.kernel
    return (-(-rest // pool.stride) if pool.partial else rest // pool.stride) + 1
