"""Pools of one, two or three spatial dimensions."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from convert.emulator.ops.convolution import innermost_first, padding_of
from convert.emulator.registry import Ints, Kind, operation

_MAX = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
_AVERAGE = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def _padded(
    x: Tensor, kernel: Ints, strides: Ints, pad_type: str, pad: Ints | None, *, ceil_mode: bool, value: float
) -> Tensor:
    """With its padding, and as much more behind as windows of `ceil_mode` reach beyond it."""
    sizes = x.shape[2:]
    both = padding_of(pad_type, pad or (0,) * (2 * len(kernel)), sizes, kernel, strides)
    if ceil_mode:
        after = [
            _reach(size, low, high, window, stride) if low or high else _reach_bare(size, window, stride)
            for size, low, high, window, stride in zip(
                sizes, both[::2], both[1::2], kernel, strides, strict=True
            )
        ]
        both = tuple(value for pair in zip(both[::2], after, strict=True) for value in pair)
    return functional.pad(x, innermost_first(both), value=value) if any(both) else x


def _reach(size: int, low: int, high: int, window: int, stride: int) -> int:
    """Padding behind, when the last partial window counts: it has to begin within the data or the padding before."""
    count = math.ceil((size + low + high - window) / stride) + 1
    if (count - 1) * stride >= size + low:
        count -= 1
    return max(high, (count - 1) * stride + window - size - low)


def _reach_bare(size: int, window: int, stride: int) -> int:
    return max(0, math.ceil((size - window) / stride) * stride + window - size)


@operation("max_pool", kind=Kind.BOUNDED)
def max_pool(
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    strides = strides or (1,) * len(kernel_sizes)
    x = _padded(x, kernel_sizes, strides, pad_type, pad, ceil_mode=ceil_mode, value=-math.inf)
    return _MAX[len(kernel_sizes)](x, kernel_sizes, strides)


@operation("avg_pool", kind=Kind.BOUNDED)
def avg_pool(
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    exclude_padding_from_average: bool = False,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """By the whole window, or `exclude_padding_from_average`: by the elements of the data in it.

    What `ceil_mode` adds behind is padding like any other, unlike in PyTorch, which never counts it: apple/coremltools
    #2772 and #2844 show what devices give.
    """
    rank = len(kernel_sizes)
    strides = strides or (1,) * rank
    padded = _padded(x, kernel_sizes, strides, pad_type, pad, ceil_mode=ceil_mode, value=0)
    mean = _AVERAGE[rank](padded, kernel_sizes, strides)
    if padded is x or not exclude_padding_from_average:
        return mean
    ones = torch.ones((1, 1, *x.shape[2:]))
    counted = _padded(ones, kernel_sizes, strides, pad_type, pad, ceil_mode=ceil_mode, value=0)
    return mean / _AVERAGE[rank](counted, kernel_sizes, strides)


@operation("l2_pool")
def l2_pool(
    x: Tensor,
    kernel_sizes: Ints,
    pad_type: str,
    strides: Ints | None = None,
    pad: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """The root of the sum of squares of each window."""
    strides = strides or (1,) * len(kernel_sizes)
    x = _padded(x.square(), kernel_sizes, strides, pad_type, pad, ceil_mode=ceil_mode, value=0)
    return (_AVERAGE[len(kernel_sizes)](x, kernel_sizes, strides) * math.prod(kernel_sizes)).sqrt()
