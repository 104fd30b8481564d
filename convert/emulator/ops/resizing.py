"""Resizing to another grid of pixels. All sample along axis by axis at grid points of the input."""

import torch
from torch import Tensor
from torch.nn import functional

from convert.emulator.registry import Ints, Kind, operation

_ALIGNED = ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS")


def grid_points(size: int, out: int, mode: str) -> Tensor:
    """(out,) positions in [0, size - 1] at which an axis of `size` elements is sampled, as `resize_bilinear` says."""
    index = torch.arange(out, dtype=torch.float32)
    if mode in _ALIGNED:
        if out == 1:
            return torch.tensor([(size - 1) / 2 if mode == "ALIGN_CORNERS" else 0.0])
        points = index * ((size - 1) / (out - 1))
    elif mode == "OFFSET_CORNERS":
        delta = max(1, size - 1) / out
        points = (index + 0.5) * delta
    elif mode == "UNALIGN_CORNERS":
        points = (index + 0.5) * (size / out) - 0.5
    else:
        points = index * (size / out)
    return points.clamp(0, size - 1)


def sample_axis(x: Tensor, axis: int, points: Tensor) -> Tensor:
    """Between the neighbours of each point, linearly."""
    low = points.floor().long()
    high = (low + 1).clamp(max=x.shape[axis] - 1)
    share = (points - low).view(-1, *(1,) * (x.ndim - 1 - axis % x.ndim))
    return torch.lerp(x.index_select(axis, low), x.index_select(axis, high), share)


def _bilinear(x: Tensor, height: int, width: int, mode: str) -> Tensor:
    """The last two axes to `height` and `width`."""
    if x.ndim == 4 and (mode == "UNALIGN_CORNERS" or (mode in _ALIGNED and min(height, width) > 1)):
        return functional.interpolate(
            x, (height, width), mode="bilinear", align_corners=mode != "UNALIGN_CORNERS"
        )
    for axis, out in ((-2, height), (-1, width)):
        x = sample_axis(x, axis, grid_points(x.shape[axis], out, mode))
    return x


def _nearest_axis(x: Tensor, axis: int, out: int, mode: str = "DEFAULT") -> Tensor:
    """The element at or before each point; for corners or centres that are aligned the nearest."""
    size = x.shape[axis]
    if mode == "DEFAULT":
        index = torch.div(torch.arange(out) * size, out, rounding_mode="floor")
    else:
        index = (grid_points(size, out, mode) + 0.5).floor().long().clamp(max=size - 1)
    return x if torch.equal(index, torch.arange(size)) else x.index_select(axis, index)


@operation("resize_bilinear", kind=Kind.BOUNDED)
def resize_bilinear(
    x: Tensor, target_size_height: int = 1, target_size_width: int = 1, sampling_mode: str = "DEFAULT"
) -> Tensor:
    return _bilinear(x, target_size_height, target_size_width, sampling_mode)


@operation("upsample_bilinear", kind=Kind.BOUNDED)
def upsample_bilinear(
    x: Tensor,
    scale_factor_height: float = 1.0,
    scale_factor_width: float = 1.0,
    align_corners: bool = True,
    half_pixel_centers: bool | None = None,
) -> Tensor:
    """To floor(size × factor). The spacing follows from the sizes."""
    centers = not align_corners if half_pixel_centers is None else half_pixel_centers
    height, width = int(x.shape[-2] * scale_factor_height), int(x.shape[-1] * scale_factor_width)
    mode = "STRICT_ALIGN_CORNERS" if align_corners else "UNALIGN_CORNERS" if centers else "DEFAULT"
    return _bilinear(x, height, width, mode)


@operation("upsample_nearest_neighbor", kind=Kind.MOVES)
def upsample_nearest_neighbor(
    x: Tensor, scale_factor_height: float = 1.0, scale_factor_width: float = 1.0
) -> Tensor:
    height, width = int(x.shape[-2] * scale_factor_height), int(x.shape[-1] * scale_factor_width)
    return resize_nearest_neighbor(x, height, width)


@operation("resize_nearest_neighbor", kind=Kind.MOVES)
def resize_nearest_neighbor(x: Tensor, target_size_height: int, target_size_width: int) -> Tensor:
    if x.ndim == 4:
        return functional.interpolate(x, (target_size_height, target_size_width), mode="nearest")
    return _nearest_axis(_nearest_axis(x, -2, target_size_height), -1, target_size_width)


@operation("resize", kind=Kind.BOUNDED)
def resize(
    x: Tensor,
    shape: Ints,
    resized_dims: int,
    interpolation_mode: str = "LINEAR",
    sampling_mode: str = "DEFAULT",
) -> Tensor:
    """The last `resized_dims` axes to the last sizes of `shape`; 0 keeps a size."""
    sizes = [
        out or x.shape[axis] for axis, out in zip(range(-resized_dims, 0), shape[-resized_dims:], strict=True)
    ]
    if interpolation_mode == "NEAREST_NEIGHBOR":
        for axis, out in zip(range(-resized_dims, 0), sizes, strict=True):
            x = _nearest_axis(x, axis, out, sampling_mode)
        return x
    if resized_dims == 2:
        return _bilinear(x, sizes[0], sizes[1], sampling_mode)
    for axis, out in zip(range(-resized_dims, 0), sizes, strict=True):
        x = sample_axis(x, axis, grid_points(x.shape[axis], out, sampling_mode))
    return x


@operation("crop", kind=Kind.MOVES)
def crop(x: Tensor, crop_height: Ints, crop_width: Ints) -> Tensor:
    height, width = x.shape[-2:]
    return x[..., crop_height[0] : height - crop_height[1], crop_width[0] : width - crop_width[1]]
