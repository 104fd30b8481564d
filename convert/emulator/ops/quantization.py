"""Activations as 8-bit integers."""

import torch
from torch import Tensor

from convert.emulator.registry import TORCH, Kind, limits, operation


def _along(value: Tensor, rank: int, axis: int | None) -> Tensor:
    """A vector as one number for each slice along `axis`."""
    if value.ndim == 0 or axis is None:
        return value.float()
    shape = [1] * rank
    shape[axis] = -1
    return value.float().view(shape)


@operation("quantize", kind=Kind.MOVES)
def quantize(
    input: Tensor,  # noqa: A002 - its name in MIL
    scale: Tensor,
    output_dtype: str,
    zero_point: Tensor | None = None,
    axis: int | None = None,
) -> Tensor:
    """clip(round(input / scale) + zero point)."""
    number = torch.round(input / _along(scale, input.ndim, axis))
    if zero_point is not None:
        number = number + _along(zero_point, input.ndim, axis)
    return number.clamp(*limits(output_dtype)).to(TORCH[output_dtype])


@operation("dequantize")
def dequantize(
    input: Tensor,  # noqa: A002 - its name in MIL
    scale: Tensor,
    zero_point: Tensor | None = None,
    axis: int | None = None,
) -> Tensor:
    """Scale × (input - zero point)."""
    number = input.float()
    if zero_point is not None:
        number = number - _along(zero_point, input.ndim, axis)
    return number * _along(scale, input.ndim, axis)
