"""Reductions over axes."""

from collections.abc import Callable

import torch
from torch import Tensor

from convert.emulator.registry import Ints, Kind, operation


def _all(x: Tensor, axes: Ints | None) -> Ints:
    return tuple(range(x.ndim)) if axes is None else axes


def _reduction(function: Callable[[Tensor, Ints, bool], Tensor]) -> Callable[..., Tensor]:
    def apply(x: Tensor, axes: Ints | None = None, keep_dims: bool = False) -> Tensor:
        return function(x, _all(x, axes), keep_dims)

    return apply


def _product(x: Tensor, axes: Ints, keep: bool) -> Tensor:
    for axis in sorted((axis % x.ndim for axis in axes), reverse=True):
        x = x.prod(axis, keepdim=keep)
    return x


def _mean(x: Tensor, axes: Ints, keep: bool) -> Tensor:
    return x.mean(axes, keepdim=keep) if x.is_floating_point() else x.double().mean(axes, keepdim=keep)


_COMPUTING: dict[str, Callable[[Tensor, Ints, bool], Tensor]] = {
    "reduce_sum": lambda x, axes, keep: x.sum(axes, keepdim=keep),
    "reduce_mean": _mean,
    "reduce_prod": _product,
    "reduce_l1_norm": lambda x, axes, keep: x.abs().sum(axes, keepdim=keep),
    "reduce_l2_norm": lambda x, axes, keep: x.square().sum(axes, keepdim=keep).sqrt(),
    "reduce_log_sum": lambda x, axes, keep: x.sum(axes, keepdim=keep).log(),
    "reduce_log_sum_exp": lambda x, axes, keep: x.logsumexp(axes, keepdim=keep),
    "reduce_sum_square": lambda x, axes, keep: x.square().sum(axes, keepdim=keep),
}
for _name, _function in _COMPUTING.items():
    operation(_name)(_reduction(_function))
operation("reduce_max", kind=Kind.MOVES)(_reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)))
operation("reduce_min", kind=Kind.MOVES)(_reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)))


@operation("reduce_argmax")
def reduce_argmax(x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:
    return x.argmax(axis, keepdim=keep_dims)


@operation("reduce_argmin")
def reduce_argmin(x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:
    return x.argmin(axis, keepdim=keep_dims)


@operation("cumsum")
def cumsum(x: Tensor, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Tensor:
    """`exclusive`: without the element itself."""
    x = x.flip(axis) if reverse else x
    total = x.cumsum(axis)
    if exclusive:
        total = torch.cat(
            [torch.zeros_like(x.narrow(axis, 0, 1)), total.narrow(axis, 0, x.shape[axis] - 1)], axis
        )
    return total.flip(axis) if reverse else total
