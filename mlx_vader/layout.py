"""Between MLX's weight layout and PyTorch's, in which checkpoints are stored.

Parameter names are the same in both. Four-dimensional arrays are channels last in MLX and channels first in PyTorch;
transposed convolutions besides have inputs and outputs exchanged.
"""

from collections.abc import Mapping
from typing import cast

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten

from mlx_vader.array_files import check_shapes
from mlx_vader.layers.conv import Upsample2x2

#: MLX `(out, h, w, in)` → PyTorch `(out, in, h, w)`.
_CONV = (0, 3, 1, 2)
#: MLX `(out, h, w, in)` → PyTorch `(in, out, h, w)`.
_TRANSPOSED = (3, 0, 1, 2)


def _parameters(net: nn.Module) -> dict[str, mx.array]:
    return dict(cast("list[tuple[str, mx.array]]", tree_flatten(net.parameters())))


def _orders(net: nn.Module) -> dict[str, tuple[int, ...]]:
    """The axes of each four-dimensional parameter in PyTorch's order."""
    transposed = {
        f"{name}.weight"
        for name, module in net.named_modules()
        if isinstance(module, Upsample2x2 | nn.ConvTranspose2d)
    }
    return {
        name: _TRANSPOSED if name in transposed else _CONV
        for name, value in _parameters(net).items()
        if value.ndim == 4
    }


def to_torch_layout(net: nn.Module) -> dict[str, np.ndarray]:
    """The weights of an MLX network by PyTorch's names, in PyTorch's layout."""
    orders = _orders(net)
    return {
        name: np.array(value.transpose(orders[name]) if name in orders else value)
        for name, value in _parameters(net).items()
    }


def torch_shapes(net: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shapes that its weights have in PyTorch's layout, by name; nothing is computed."""
    orders = _orders(net)
    return {
        name: tuple(value.shape[axis] for axis in orders.get(name, range(value.ndim)))
        for name, value in _parameters(net).items()
    }


def load_torch_layout(net: nn.Module, weights: Mapping[str, np.ndarray]) -> None:
    """Puts weights in PyTorch's layout into an MLX network. Raises `VaderError` where names or shapes differ."""
    net.load_weights(list(from_torch_layout(net, weights).items()))


def from_torch_layout(net: nn.Module, weights: Mapping[str, np.ndarray]) -> dict[str, mx.array]:
    """The same as fp32 arrays in MLX's layout, by name."""
    check_shapes(
        {name: value.shape for name, value in weights.items()}, torch_shapes(net), "the weights do not fit"
    )
    orders = _orders(net)
    return {
        name: mx.array(
            (value.transpose(np.argsort(orders[name])) if name in orders else value).astype(np.float32)
        )
        for name, value in weights.items()
    }
