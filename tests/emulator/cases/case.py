"""One test of one operation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convert.quiet import quiet

with quiet():
    from coremltools.converters.mil import Builder as mb  # noqa: F401, N813 - its name in every coremltools source

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
