"""Elements at indices, read and written. A negative index counts from the end."""

from collections.abc import Callable

import torch
from torch import Tensor

from convert.emulator.registry import Kind, operation


def _wrapped(indices: Tensor, size: int) -> Tensor:
    indices = indices.long()
    return torch.where(indices < 0, indices + size, indices)


@operation("gather", kind=Kind.MOVES)
def gather(
    x: Tensor, indices: Tensor, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False
) -> Tensor:
    """Slices along an axis. The first `batch_dims` axes of `x` and of `indices` go together."""
    axis %= x.ndim
    if batch_dims == 0:
        picked = x.index_select(axis, _wrapped(indices, x.shape[axis]).reshape(-1))
        return picked.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    pairs = zip(x.flatten(0, batch_dims - 1), indices.flatten(0, batch_dims - 1), strict=True)
    rows = torch.stack([gather(each, at, axis - batch_dims) for each, at in pairs])
    return rows.reshape((*x.shape[:batch_dims], *rows.shape[1:]))


@operation("gather_along_axis", kind=Kind.MOVES)
def gather_along_axis(x: Tensor, indices: Tensor, axis: int = 0, validate_indices: bool = False) -> Tensor:
    return x.gather(axis, _wrapped(indices, x.shape[axis]))


def _positions(x: Tensor, indices: Tensor) -> tuple[Tensor, ...]:
    """The last axis of `indices`, one index for each leading axis of `x`."""
    return tuple(_wrapped(at, size) for at, size in zip(indices.unbind(-1), x.shape, strict=False))


@operation("gather_nd", kind=Kind.MOVES)
def gather_nd(x: Tensor, indices: Tensor, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    if batch_dims == 0:
        return x[_positions(x, indices)]
    pairs = zip(x.flatten(0, batch_dims - 1), indices.flatten(0, batch_dims - 1), strict=True)
    rows = torch.stack([each[_positions(each, at)] for each, at in pairs])
    return rows.reshape((*x.shape[:batch_dims], *rows.shape[1:]))


#: What becomes of an element (first) and an update (second). Several updates of one element follow each other.
_MODES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "update": lambda old, new: new,
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "max": torch.maximum,
    "min": torch.minimum,
}


def _scattered(data: Tensor, positions: tuple[Tensor, ...], updates: Tensor, mode: str) -> Tensor:
    """A copy of `data` with slices at `positions` (one index tensor for each leading axis) changed."""
    out = data.clone()
    if mode in ("add", "sub"):
        return out.index_put_(positions, updates if mode == "add" else -updates, accumulate=True)
    flat = [at.reshape(-1) for at in positions]
    count = flat[0].numel()
    rows = updates.reshape((count, *updates.shape[positions[0].ndim :]))
    stacked = torch.stack(flat, 1)
    if len(torch.unique(stacked, dim=0)) == count:
        out[tuple(flat)] = _MODES[mode](out[tuple(flat)], rows).to(out.dtype)
        return out
    for place, row in zip(stacked.tolist(), rows, strict=True):
        out[tuple(place)] = _MODES[mode](out[tuple(place)], row).to(out.dtype)
    return out


@operation("scatter")
def scatter(
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> Tensor:
    """Slices of `data` along an axis changed by slices of `updates`."""
    axis %= data.ndim
    moved, new = data.movedim(axis, 0), updates.movedim(axis, 0)
    return _scattered(moved, (_wrapped(indices, data.shape[axis]),), new, mode).movedim(0, axis)


@operation("scatter_along_axis")
def scatter_along_axis(
    data: Tensor,
    indices: Tensor,
    updates: Tensor,
    axis: int = 0,
    mode: str = "add",
    validate_indices: bool = False,
) -> Tensor:
    """As `gather_along_axis` reads."""
    axis %= data.ndim
    grid = list(torch.meshgrid(*(torch.arange(size) for size in indices.shape), indexing="ij"))
    grid[axis] = _wrapped(indices, data.shape[axis])
    return _scattered(data, tuple(grid), updates, mode)


@operation("scatter_nd")
def scatter_nd(
    data: Tensor, indices: Tensor, updates: Tensor, mode: str = "add", validate_indices: bool = False
) -> Tensor:
    """As `gather_nd` reads."""
    return _scattered(data, _positions(data, indices), updates, mode)
