"""Adaptive average pooling and bilinear resizing as products with small matrices made from the sizes.

Both are linear and separable, so one matrix per axis says all of it; as products they convert to Core ML.
"""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor


@lru_cache(maxsize=64)
def pooling_matrix(size: int, bins: int) -> Float[Tensor, "bins size"]:
    """Row i averages the positions of bin i, as `torch.nn.AdaptiveAvgPool2d` divides them."""
    matrix = torch.zeros(bins, size)
    for i in range(bins):
        start, stop = i * size // bins, -(-(i + 1) * size // bins)
        matrix[i, start:stop] = 1 / (stop - start)
    return matrix


@lru_cache(maxsize=64)
def bilinear_matrix(size: int, target: int) -> Float[Tensor, "target size"]:
    """Row i weighs the two positions that target position i lies between (`align_corners=False`)."""
    position = ((torch.arange(target, dtype=torch.float64) + 0.5) * size / target - 0.5).clamp(0, size - 1)
    low = position.floor().long()
    high = (low + 1).clamp(max=size - 1)
    matrix = torch.zeros(target, size, dtype=torch.float64)
    rows = torch.arange(target)
    matrix.index_put_((rows, low), 1 - (position - low), accumulate=True)
    matrix.index_put_((rows, high), position - low, accumulate=True)
    return matrix.float()


def _apply(
    x: Float[Tensor, "n c h w"], rows: Float[Tensor, "h2 h"], columns: Float[Tensor, "w2 w"]
) -> Float[Tensor, "n c h2 w2"]:
    return rows.to(x) @ x @ columns.to(x).T


def adaptive_average_pool(x: Float[Tensor, "n c h w"], bins: int) -> Float[Tensor, "n c bins bins"]:
    """The means of a `bins` by `bins` grid."""
    return _apply(x, pooling_matrix(x.shape[2], bins), pooling_matrix(x.shape[3], bins))


def resize_bilinear(x: Float[Tensor, "n c h w"], height: int, width: int) -> Float[Tensor, "n c h2 w2"]:
    """Bilinear interpolation without aligned corners, the default of `torch.nn.functional.interpolate`."""
    return _apply(x, bilinear_matrix(x.shape[2], height), bilinear_matrix(x.shape[3], width))
