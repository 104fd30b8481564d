"""Weights that are stored smaller than they are: look-up tables, integers with a scale, bit masks.

iOS 16 packs indices and masks in bytes and gives a shape; iOS 18 has types of fewer bits than a byte.
"""

import math

import numpy as np
import torch
from torch import Tensor

from convert.emulator.registry import TORCH, Ints, Kind, operation


def _unpacked(packed: Tensor, bits: int, count: int) -> Tensor:
    """Numbers of `bits` bits each from bytes, low end first."""
    stream = np.unpackbits(packed.numpy(), bitorder="little")[: count * bits].reshape(count, bits)
    return torch.from_numpy((stream.astype(np.int64) << np.arange(bits)).sum(1))


def _spread(small: Tensor, shape: Ints) -> Tensor:
    """Each element repeated to a block, so that the blocks fill `shape`."""
    for axis, (have, want) in enumerate(zip(small.shape, shape, strict=False)):
        if want != have:
            small = small.repeat_interleave(want // have, axis)
    return small


@operation("constexpr_cast", kind=Kind.MOVES)
def constexpr_cast(source_val: Tensor, output_dtype: str) -> Tensor:
    return source_val.to(TORCH[output_dtype])


@operation("constexpr_affine_dequantize")
def constexpr_affine_dequantize(
    quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: int
) -> Tensor:
    """`zero_point` and `scale`: one number, or one for each slice along `axis`."""
    along = [1] * quantized_data.ndim
    along[axis] = -1
    zero = zero_point.float().view(along) if zero_point.ndim else zero_point.float()
    factor = scale.view(along) if scale.ndim else scale
    return factor * (quantized_data.float() - zero)


@operation("constexpr_blockwise_shift_scale")
def constexpr_blockwise_shift_scale(data: Tensor, scale: Tensor, offset: Tensor | None = None) -> Tensor:
    """Scale × (data - offset); one scale and offset for each block."""
    data = data.float()
    if offset is not None:
        data = data - _spread(offset.float(), data.shape)
    return _spread(scale, data.shape) * data


@operation("constexpr_lut_to_dense", kind=Kind.MOVES)
def constexpr_lut_to_dense(
    indices: Tensor, lut: Tensor, shape: Ints | None = None, vector_axis: int | None = None
) -> Tensor:
    """Values or vectors of a table. iOS 18: a table for each block, (…blocks, entries, vector)."""
    if shape is not None:
        bits = round(math.log2(lut.numel()))
        return lut[_unpacked(indices, bits, math.prod(shape))].reshape(shape)
    entries, vector = lut.shape[-2:]
    tables = _spread(lut, indices.shape).reshape(-1, entries, vector)
    picked = tables[torch.arange(len(tables)), indices.reshape(-1).long()].reshape(*indices.shape, vector)
    if vector == 1:
        return picked.squeeze(-1)
    axis = (vector_axis or 0) % indices.ndim
    return picked.movedim(-1, axis + 1).flatten(axis, axis + 1)


@operation("constexpr_sparse_to_dense", kind=Kind.MOVES)
def constexpr_sparse_to_dense(nonzero_data: Tensor, mask: Tensor, shape: Ints | None = None) -> Tensor:
    """Zeros but where the mask is set."""
    if shape is not None:
        mask = _unpacked(mask, 1, math.prod(shape)).reshape(shape)
    dense = torch.zeros(mask.shape, dtype=nonzero_data.dtype)
    dense[mask != 0] = nonzero_data
    return dense


@operation("constexpr_lut_to_sparse", kind=Kind.MOVES)
def constexpr_lut_to_sparse(
    indices_mask: Tensor, indices_nonzero_data: Tensor, lut: Tensor, vector_axis: int | None = None
) -> tuple[Tensor, Tensor]:
    """(mask, values where it is set)."""
    indices = constexpr_sparse_to_dense(indices_nonzero_data, indices_mask)
    dense = constexpr_lut_to_dense(indices, lut, vector_axis=vector_axis)
    vector = lut.shape[-1]
    mask = indices_mask if vector == 1 else indices_mask.repeat_interleave(vector, vector_axis)
    return mask, dense[mask != 0]


@operation("constexpr_sparse_blockwise_shift_scale")
def constexpr_sparse_blockwise_shift_scale(
    data_mask: Tensor, nonzero_data: Tensor, scale: Tensor, offset: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(mask, values where it is set)."""
    data = constexpr_sparse_to_dense(nonzero_data, data_mask)
    return data_mask, constexpr_blockwise_shift_scale(data, scale, offset)[data_mask != 0]
