"""Inception v3 as FID has it (Szegedy et al. 2016; weights of 2015-12-05), up to the mean of its last features.

It differs from torchvision's in its pools: averages leave out what lies beyond the border, and the last block takes the
maximum. Batch norms are in the convolutions. 5.7 GMAC for a picture of 299 × 299.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from itertools import product
from typing import NamedTuple

import mlx.core as mx
from jaxtyping import Float

#: Convolution weights `(out, h, w, in)` and biases: `Mixed_5b.branch1x1.weight`, `….bias`.
Weights = Mapping[str, mx.array]


class Conv(NamedTuple):
    """A convolution and its ReLU. `valid`: without a border, and so smaller."""

    name: str
    out: int
    height: int = 1
    width: int = 1
    stride: int = 1
    valid: bool = False


class Pool(NamedTuple):
    """Of 3 × 3: with stride 2 and no border, or of the same size."""

    maximum: bool
    stride: int = 1


class Fork(NamedTuple):
    """Branches side by side, whose channels are joined."""

    branches: tuple[tuple["Layer", ...], ...]


Layer = Conv | Pool | Fork


def _a(name: str, pooled: int) -> Fork:
    return Fork(
        (
            (Conv(f"{name}.branch1x1", 64),),
            (Conv(f"{name}.branch5x5_1", 48), Conv(f"{name}.branch5x5_2", 64, 5, 5)),
            (
                Conv(f"{name}.branch3x3dbl_1", 64),
                Conv(f"{name}.branch3x3dbl_2", 96, 3, 3),
                Conv(f"{name}.branch3x3dbl_3", 96, 3, 3),
            ),
            (Pool(maximum=False), Conv(f"{name}.branch_pool", pooled)),
        )
    )


def _b(name: str) -> Fork:
    return Fork(
        (
            (Conv(f"{name}.branch3x3", 384, 3, 3, 2, valid=True),),
            (
                Conv(f"{name}.branch3x3dbl_1", 64),
                Conv(f"{name}.branch3x3dbl_2", 96, 3, 3),
                Conv(f"{name}.branch3x3dbl_3", 96, 3, 3, 2, valid=True),
            ),
            (Pool(maximum=True, stride=2),),
        )
    )


def _c(name: str, inner: int) -> Fork:
    return Fork(
        (
            (Conv(f"{name}.branch1x1", 192),),
            (
                Conv(f"{name}.branch7x7_1", inner),
                Conv(f"{name}.branch7x7_2", inner, 1, 7),
                Conv(f"{name}.branch7x7_3", 192, 7, 1),
            ),
            (
                Conv(f"{name}.branch7x7dbl_1", inner),
                Conv(f"{name}.branch7x7dbl_2", inner, 7, 1),
                Conv(f"{name}.branch7x7dbl_3", inner, 1, 7),
                Conv(f"{name}.branch7x7dbl_4", inner, 7, 1),
                Conv(f"{name}.branch7x7dbl_5", 192, 1, 7),
            ),
            (Pool(maximum=False), Conv(f"{name}.branch_pool", 192)),
        )
    )


def _d(name: str) -> Fork:
    return Fork(
        (
            (Conv(f"{name}.branch3x3_1", 192), Conv(f"{name}.branch3x3_2", 320, 3, 3, 2, valid=True)),
            (
                Conv(f"{name}.branch7x7x3_1", 192),
                Conv(f"{name}.branch7x7x3_2", 192, 1, 7),
                Conv(f"{name}.branch7x7x3_3", 192, 7, 1),
                Conv(f"{name}.branch7x7x3_4", 192, 3, 3, 2, valid=True),
            ),
            (Pool(maximum=True, stride=2),),
        )
    )


def _e(name: str, *, maximum: bool) -> Fork:
    def crossed(stem: str) -> Fork:
        return Fork(((Conv(f"{name}.{stem}a", 384, 1, 3),), (Conv(f"{name}.{stem}b", 384, 3, 1),)))

    return Fork(
        (
            (Conv(f"{name}.branch1x1", 320),),
            (Conv(f"{name}.branch3x3_1", 384), crossed("branch3x3_2")),
            (
                Conv(f"{name}.branch3x3dbl_1", 448),
                Conv(f"{name}.branch3x3dbl_2", 384, 3, 3),
                crossed("branch3x3dbl_3"),
            ),
            (Pool(maximum), Conv(f"{name}.branch_pool", 192)),
        )
    )


LAYERS: tuple[Layer, ...] = (
    Conv("Conv2d_1a_3x3", 32, 3, 3, 2, valid=True),
    Conv("Conv2d_2a_3x3", 32, 3, 3, valid=True),
    Conv("Conv2d_2b_3x3", 64, 3, 3),
    Pool(maximum=True, stride=2),
    Conv("Conv2d_3b_1x1", 80),
    Conv("Conv2d_4a_3x3", 192, 3, 3, valid=True),
    Pool(maximum=True, stride=2),
    *(_a("Mixed_5b", 32), _a("Mixed_5c", 64), _a("Mixed_5d", 64)),
    _b("Mixed_6a"),
    *(_c("Mixed_6b", 128), _c("Mixed_6c", 160), _c("Mixed_6d", 160), _c("Mixed_6e", 192)),
    _d("Mixed_7a"),
    *(_e("Mixed_7b", maximum=False), _e("Mixed_7c", maximum=True)),
)


def features(weights: Weights, frames: Float[mx.array, "n 299 299 3"]) -> Float[mx.array, "n 2048"]:
    """The mean of the last features, of frames in [0, 1]."""
    return _through(LAYERS, weights, 2 * frames - 1).mean(axis=(1, 2))


def weight_shapes() -> dict[str, tuple[int, ...]]:
    """The shape of every weight, in MLX's layout."""
    return _shapes(LAYERS, 3)[0]


def _shapes(layers: tuple[Layer, ...], channels: int) -> tuple[dict[str, tuple[int, ...]], int]:
    """Those of some layers, and how many channels they give."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in layers:
        if isinstance(layer, Conv):
            shapes[f"{layer.name}.weight"] = (layer.out, layer.height, layer.width, channels)
            shapes[f"{layer.name}.bias"] = (layer.out,)
            channels = layer.out
        elif isinstance(layer, Fork):
            found = [_shapes(branch, channels) for branch in layer.branches]
            for branch, _ in found:
                shapes |= branch
            channels = sum(out for _, out in found)
    return shapes, channels


def _through(
    layers: tuple[Layer, ...], weights: Weights, x: Float[mx.array, "n h w c"]
) -> Float[mx.array, "n h2 w2 c2"]:
    for layer in layers:
        if isinstance(layer, Conv):
            border = (0, 0) if layer.valid else (layer.height // 2, layer.width // 2)
            kernel, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
            x = mx.maximum(mx.conv2d(x, kernel, layer.stride, border) + bias, 0)
        elif isinstance(layer, Fork):
            x = mx.concatenate([_through(branch, weights, x) for branch in layer.branches], axis=-1)
        elif layer.maximum:
            x = _over_windows(mx.maximum, x, layer.stride)
        else:
            x = _over_windows(mx.add, x) / _over_windows(mx.add, mx.ones((1, *x.shape[1:3], 1)))
    return x


def _over_windows(
    join: Callable[[mx.array, mx.array], mx.array], x: Float[mx.array, "n h w c"], stride: int = 1
) -> Float[mx.array, "n h2 w2 c"]:
    """Nine shifted copies joined. What lies beyond the border is 0, which is no larger than any activation."""
    if stride == 1:
        x = mx.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
    rows, columns = (side - 2 for side in x.shape[1:3])
    return reduce(
        join, (x[:, i : i + rows : stride, j : j + columns : stride] for i, j in product(range(3), repeat=2))
    )
