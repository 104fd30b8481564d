"""Adaptive average pooling and bilinear resizing as products with small matrices made from the sizes.

Both are linear and separable, so one matrix per axis says all of it. The matrices are computed from the sizes by
tensor operations: a trace for Core ML keeps the computation, and a flexible package makes them for the size it is
given. Whole numbers stay whole until the last division, so that half precision can carry them.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def pooling_matrix(size: int, bins: int) -> Float[Tensor, "bins size"]:
    """Row i averages the positions of bin i, as `torch.nn.AdaptiveAvgPool2d` divides them.

    Bin i reaches from floor(i·size/bins) to ceil((i+1)·size/bins), the end excluded.
    """
    position = bins * torch.arange(size)
    start = size * torch.arange(bins).unsqueeze(1)
    inside = (position > start - bins) & (position < start + size)
    matrix = inside.float()
    return matrix / matrix.sum(dim=1, keepdim=True)


def bilinear_matrix(size: int, target: int) -> Float[Tensor, "target size"]:
    """Row i weighs the two positions that target position i lies between (`align_corners=False`)."""
    numerator = 2 * size * torch.arange(target) + size - target
    position = (numerator.float() / (2 * target)).clamp(0, size - 1)
    return torch.relu(1 - (position.unsqueeze(1) - torch.arange(size).float()).abs())


def _apply(
    x: Float[Tensor, "n c h w"], rows: Float[Tensor, "h2 h"], columns: Float[Tensor, "w2 w"]
) -> Float[Tensor, "n c h2 w2"]:
    return rows.to(x) @ x @ columns.to(x).transpose(0, 1)


def adaptive_average_pool(x: Float[Tensor, "n c h w"], bins: int) -> Float[Tensor, "n c bins bins"]:
    """The means of a `bins` by `bins` grid."""
    return _apply(x, pooling_matrix(x.shape[2], bins), pooling_matrix(x.shape[3], bins))


def resize_bilinear(x: Float[Tensor, "n c h w"], height: int, width: int) -> Float[Tensor, "n c h2 w2"]:
    """Bilinear interpolation without aligned corners, the default of `torch.nn.functional.interpolate`."""
    return _apply(x, bilinear_matrix(x.shape[2], height), bilinear_matrix(x.shape[3], width))


def upsample_bilinear(x: Float[Tensor, "n c h w"], factor: int) -> Float[Tensor, "n c h2 w2"]:
    """`resize_bilinear` by a whole factor, which Core ML has an operation for."""
    return nn.functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
