"""Adaptive average pooling and bilinear resizing as products with small matrices made from the sizes.

Both are linear and separable, so one matrix per axis says all of it, for every size, on every device and in Core ML.
"""

from functools import lru_cache

import mlx.core as mx
import numpy as np
from jaxtyping import Float


@lru_cache(maxsize=64)
def pooling_matrix(size: int, bins: int) -> Float[np.ndarray, "bins size"]:
    """Row i averages the positions of bin i, as `torch.nn.AdaptiveAvgPool2d` divides them."""
    matrix = np.zeros((bins, size), np.float32)
    for i in range(bins):
        start, stop = i * size // bins, -(-(i + 1) * size // bins)
        matrix[i, start:stop] = 1 / (stop - start)
    return matrix


@lru_cache(maxsize=64)
def bilinear_matrix(size: int, target: int) -> Float[np.ndarray, "target size"]:
    """Row i weighs the two positions that target position i lies between (`align_corners=False`)."""
    position = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, size - 1)
    matrix = np.zeros((target, size), np.float32)
    np.add.at(matrix, (np.arange(target), low), 1 - (position - low))
    np.add.at(matrix, (np.arange(target), high), position - low)
    return matrix


def _apply(
    x: Float[mx.array, "n h w c"], rows: Float[np.ndarray, "h2 h"], columns: Float[np.ndarray, "w2 w"]
) -> Float[mx.array, "n h2 w2 c"]:
    n, _, w, c = x.shape
    x = mx.array(rows).astype(x.dtype) @ x.reshape(n, -1, w * c)
    return mx.array(columns).astype(x.dtype) @ x.reshape(n, -1, w, c)


def adaptive_average_pool(x: Float[mx.array, "n h w c"], bins: int) -> Float[mx.array, "n bins bins c"]:
    """The means of a `bins` by `bins` grid."""
    return _apply(x, pooling_matrix(x.shape[1], bins), pooling_matrix(x.shape[2], bins))


def resize_bilinear(x: Float[mx.array, "n h w c"], height: int, width: int) -> Float[mx.array, "n h2 w2 c"]:
    """Bilinear interpolation without aligned corners, the default of `torch.nn.functional.interpolate`."""
    return _apply(x, bilinear_matrix(x.shape[1], height), bilinear_matrix(x.shape[2], width))
