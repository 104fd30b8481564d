"""One test of one operation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convert.quiet import quiet

with quiet():
    from coremltools.converters.mil import Builder as mb  # noqa: N813 - its name in every coremltools source

RANDOM = np.random.default_rng(20)


@dataclass(frozen=True)
class Case:
    """`build` makes the operation of the inputs, `expected` computes what it gives (torch tensors in and out)."""

    operation: str
    inputs: tuple[np.ndarray, ...]
    build: Callable[..., Any]
    expected: Callable[..., Any]
    opset: str = "iOS15"


def normal(*shape: int) -> np.ndarray:
    """Both signs, about 1."""
    return RANDOM.standard_normal(shape).astype(np.float32)


def positive(*shape: int) -> np.ndarray:
    """In 0.1 … 2."""
    return RANDOM.uniform(0.1, 2, shape).astype(np.float32)


def within(low: float, high: float, *shape: int) -> np.ndarray:
    """In low … high."""
    return RANDOM.uniform(low, high, shape).astype(np.float32)


def integers(low: int, high: int, *shape: int) -> np.ndarray:
    """In low … high - 1."""
    return RANDOM.integers(low, high, shape).astype(np.int32)


def one(
    name: str, x: np.ndarray, expected: Callable[..., Any], opset: str = "iOS15", **attributes: Any
) -> Case:
    """An operation with one input `x`."""
    return Case(name, (x,), lambda x: getattr(mb, name)(x=x, **attributes), expected, opset)


def tensorflow_padding(
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    lower: bool,
) -> list[tuple[int, int]]:
    """Padding as in TensorFlow: as many results as strides fit, the odd pixel at the end, or with `lower` in front."""
    pads = []
    for size, k, stride, dilation in zip(shape[2:], kernel[2:], strides, dilations, strict=True):
        out = -(-size // stride)
        total = max((out - 1) * stride + (k - 1) * dilation + 1 - size, 0)
        half = total // 2
        pads.append((total - half, half) if lower else (half, total - half))
    return pads
