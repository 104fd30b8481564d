"""Tensors out of a shape, a range or an index."""

import torch
from torch import Tensor

from convert.emulator.registry import Ints, Kind, operation


@operation("fill", kind=Kind.MOVES)
def fill(shape: Ints, value: Tensor | None = None) -> Tensor:
    value = torch.zeros(()) if value is None else value.reshape(())
    return torch.full(shape, value.item(), dtype=value.dtype)


@operation("fill_like", kind=Kind.MOVES)
def fill_like(ref_tensor: Tensor, value: Tensor | None = None) -> Tensor:
    return fill(tuple(ref_tensor.shape), value)


@operation("range_1d")
def range_1d(end: Tensor, start: Tensor, step: Tensor) -> Tensor:
    return torch.arange(start.item(), end.item(), step.item(), dtype=start.dtype)


@operation("one_hot", kind=Kind.MOVES)
def one_hot(
    indices: Tensor,
    one_hot_vector_size: int,
    axis: int = -1,
    on_value: Tensor | None = None,
    off_value: Tensor | None = None,
) -> Tensor:
    """A new axis with `on_value` at the index. A negative or too large index leaves it off everywhere."""
    on_value = torch.tensor(1, dtype=torch.int32) if on_value is None else on_value
    off_value = torch.zeros_like(on_value) if off_value is None else off_value
    axis %= indices.ndim + 1
    at = torch.arange(one_hot_vector_size).view(-1, *(1,) * (indices.ndim - axis))
    return torch.where(indices.unsqueeze(axis) == at, on_value.reshape(()), off_value.reshape(()))


@operation("non_zero", kind=Kind.MOVES)
def non_zero(x: Tensor) -> Tensor:
    """(count, rank) indices."""
    return x.nonzero()


@operation("argsort", kind=Kind.MOVES)
def argsort(x: Tensor, axis: int = -1, ascending: bool = False, output_dtype: str = "int32") -> Tensor:
    return x.argsort(dim=axis, descending=not ascending, stable=True)


@operation("topk", kind=Kind.MOVES)
def topk(
    x: Tensor,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> Tensor | tuple[Tensor, ...]:
    """The `k` largest (`ascending`: smallest) and where they are; k = -1: all."""
    values, indices = x.topk(x.shape[axis] if k == -1 else k, axis, largest=not ascending)
    return (values, indices) if return_indices else values
