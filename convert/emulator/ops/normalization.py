"""Normalisations."""

import torch
from torch import Tensor
from torch.nn import functional

from convert.emulator.registry import Ints, operation


@operation("batch_norm")
def batch_norm(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    return functional.batch_norm(x, mean, variance, gamma, beta, eps=epsilon)


@operation("instance_norm")
def instance_norm(
    x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None, epsilon: float = 1e-5
) -> Tensor:
    """By group norm with a channel a group, which also takes maps of one element."""
    return functional.group_norm(x, x.shape[1], gamma, beta, epsilon)


@operation("layer_norm")
def layer_norm(
    x: Tensor,
    axes: Ints | None = None,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    epsilon: float = 1e-5,
) -> Tensor:
    """Over any axes: they are moved to the end and back."""
    axes = tuple(sorted(axis % x.ndim for axis in (range(x.ndim) if axes is None else axes)))
    last = tuple(range(x.ndim - len(axes), x.ndim))
    moved = x if axes == last else x.movedim(axes, last)
    normal = functional.layer_norm(moved, moved.shape[-len(axes) :], gamma, beta, epsilon)
    return normal if axes == last else normal.movedim(last, axes)


@operation("l2_norm")
def l2_norm(x: Tensor, epsilon: float = 1e-6) -> Tensor:
    """By the norm of the last three axes together."""
    return x / (x.square().sum((-3, -2, -1), keepdim=True) + epsilon).sqrt()


@operation("local_response_norm")
def local_response_norm(
    x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """By the energy of the `size` channels around each."""
    squares = functional.pad(x.square().movedim(1, -1), (size // 2, (size - 1) // 2))
    energy = squares.unfold(-1, size, 1).sum(-1).movedim(-1, 1)
    return x / torch.pow(k + alpha / size * energy, beta)
