"""Shapes: reading, changing and building them. No number is computed here."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from convert.emulator.ops.convolution import innermost_first
from convert.emulator.registry import Bools, Ints, Kind, operation


@operation("shape")
def shape(x: Tensor) -> Tensor:
    return torch.tensor(x.shape, dtype=torch.int32)


@operation("reshape", kind=Kind.MOVES)
def reshape(x: Tensor, shape: Ints) -> Tensor:
    """-1 takes what is left; 0 the size of the input's axis that is as far from the last (or 1)."""
    kept = (*(1,) * max(0, len(shape) - x.ndim), *x.shape)[-len(shape) :] if shape else ()
    return x.reshape([have if want == 0 else want for want, have in zip(shape, kept, strict=True)])


@operation("reshape_like", kind=Kind.MOVES)
def reshape_like(x: Tensor, ref_tensors: list[Tensor], begins: Ints, ends: Ints, end_masks: Bools) -> Tensor:
    """To pieces of other shapes, one after the other."""
    wanted: list[int] = []
    for like, begin, end, rest in zip(ref_tensors, begins, ends, end_masks, strict=True):
        wanted += like.shape[begin:] if rest else like.shape[begin:end]
    return x.reshape(wanted)


@operation("expand_dims", kind=Kind.MOVES)
def expand_dims(x: Tensor, axes: Ints) -> Tensor:
    rank = x.ndim + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operation("squeeze", kind=Kind.MOVES)
def squeeze(x: Tensor, axes: Ints | None = None) -> Tensor:
    return x.squeeze() if axes is None else x.squeeze(axes)


@operation("flatten2d", kind=Kind.MOVES)
def flatten2d(x: Tensor, axis: int = 1) -> Tensor:
    return x.reshape(math.prod(x.shape[:axis]), -1)


@operation("transpose", kind=Kind.MOVES)
def transpose(x: Tensor, perm: Ints) -> Tensor:
    return x.permute(perm)


@operation("concat", kind=Kind.MOVES)
def concat(values: list[Tensor], axis: int, interleave: bool = False) -> Tensor:
    """`interleave`: the first of each, then the second of each, and so on."""
    if values[0].ndim == 0:
        return torch.stack(values)
    if interleave:
        axis %= values[0].ndim
        return torch.stack(values, axis + 1).flatten(axis, axis + 1)
    return torch.cat(values, axis)


@operation("stack", kind=Kind.MOVES)
def stack(values: list[Tensor], axis: int) -> Tensor:
    return torch.stack(values, axis)


@operation("split", kind=Kind.MOVES)
def split(
    x: Tensor, axis: int, num_splits: int | None = None, split_sizes: Ints | None = None
) -> tuple[Tensor, ...]:
    sizes = x.shape[axis] // (num_splits or 1) if split_sizes is None else list(split_sizes)
    return torch.split(x, sizes, axis)


@operation("tile", kind=Kind.MOVES)
def tile(x: Tensor, reps: Ints) -> Tensor:
    return x.repeat(reps)


@operation("reverse", kind=Kind.MOVES)
def reverse(x: Tensor, axes: Ints | None = None) -> Tensor:
    return x.flip(tuple(range(x.ndim)) if axes is None else axes)


@operation("reverse_sequence", kind=Kind.MOVES)
def reverse_sequence(x: Tensor, lengths: Tensor, seq_axis: int = 0, batch_axis: int = 0) -> Tensor:
    """The first `lengths[i]` elements of sequence i the other way round."""
    at = torch.arange(x.shape[seq_axis])
    index = torch.where(at < lengths[:, None], lengths[:, None].long() - 1 - at, at)
    moved = x.movedim((batch_axis, seq_axis), (0, 1))
    turned = moved.gather(1, index.view(*index.shape, *(1,) * (x.ndim - 2)).expand(moved.shape))
    return turned.movedim((0, 1), (batch_axis, seq_axis))


@operation("pad", kind=Kind.MOVES)
def pad(x: Tensor, pad: Ints, mode: str = "constant", constant_val: float = 0.0) -> Tensor:
    """`pad` holds (before, after) for each of the last axes."""
    if mode == "constant":
        return functional.pad(x, innermost_first(pad), value=constant_val)
    for axis, low, high in zip(range(-len(pad) // 2, 0), pad[::2], pad[1::2], strict=True):
        if low or high:
            x = x.index_select(axis, _extended(x.shape[axis], low, high, mode))
    return x


def _extended(size: int, low: int, high: int, mode: str) -> Tensor:
    """Which elements stand where, when an axis goes on by reflection or by its edge."""
    index = torch.arange(-low, size + high)
    if mode == "reflect":
        return (size - 1) - ((size - 1) - index.abs()).abs()
    return index.clamp(0, size - 1)


@operation("pixel_shuffle", kind=Kind.MOVES)
def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    return functional.pixel_shuffle(x, upscale_factor)


@operation("pixel_unshuffle", kind=Kind.MOVES)
def pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    return functional.pixel_unshuffle(x, downscale_factor)


@operation("depth_to_space", kind=Kind.MOVES)
def depth_to_space(x: Tensor, block_size: int) -> Tensor:
    """The position in the block is the slowest part of the channel, unlike in `pixel_shuffle`."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, block_size, block_size, c // block_size**2, h, w)
    return blocks.permute(0, 3, 4, 1, 5, 2).reshape(n, c // block_size**2, h * block_size, w * block_size)


@operation("space_to_depth", kind=Kind.MOVES)
def space_to_depth(x: Tensor, block_size: int) -> Tensor:
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // block_size, block_size, w // block_size, block_size)
    return blocks.permute(0, 3, 5, 1, 2, 4).reshape(n, c * block_size**2, h // block_size, w // block_size)


@operation("space_to_batch", kind=Kind.MOVES)
def space_to_batch(x: Tensor, block_shape: Ints, paddings: Ints) -> Tensor:
    """The position in the block is the slowest part of the batch."""
    x = functional.pad(x, innermost_first(paddings))
    n, c, h, w = x.shape
    rows, columns = block_shape
    blocks = x.reshape(n, c, h // rows, rows, w // columns, columns).permute(3, 5, 0, 1, 2, 4)
    return blocks.reshape(n * rows * columns, c, h // rows, w // columns)


@operation("batch_to_space", kind=Kind.MOVES)
def batch_to_space(x: Tensor, block_shape: Ints, crops: Ints) -> Tensor:
    n, c, h, w = x.shape
    rows, columns = block_shape
    blocks = x.reshape(rows, columns, n // (rows * columns), c, h, w).permute(2, 3, 4, 0, 5, 1)
    whole = blocks.reshape(n // (rows * columns), c, h * rows, w * columns)
    return functional.pad(whole, [-value for value in innermost_first(crops)])


@operation("sliding_windows", kind=Kind.MOVES)
def sliding_windows(x: Tensor, axis: int, size: int, stride: int = 1) -> Tensor:
    axis %= x.ndim
    return x.unfold(axis, size, stride).movedim(-1, axis + 1)


@operation("band_part", kind=Kind.MOVES)
def band_part(x: Tensor, lower: int = -1, upper: int = -1) -> Tensor:
    """Zero but for a band around the diagonal of the last two axes; -1: all of that side."""
    away = torch.arange(x.shape[-2])[:, None] - torch.arange(x.shape[-1])
    band = torch.ones_like(away, dtype=torch.bool)
    if lower >= 0:
        band &= away <= lower
    if upper >= 0:
        band &= -away <= upper
    return torch.where(band, x, torch.zeros((), dtype=x.dtype))
