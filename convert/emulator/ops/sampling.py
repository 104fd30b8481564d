"""Reading an image at positions that are given: warps, affine maps, crops."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from convert.emulator.registry import Kind, operation


@operation("resample", kind=Kind.BOUNDED)
def resample(
    x: Tensor,
    coordinates: Tensor,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Tensor:
    """`x` (B, C, H, W) at `coordinates` (B, h, w, 2), (x, y) each."""
    sizes = torch.tensor([x.shape[-1], x.shape[-2]], dtype=torch.float32)
    pixels = _pixels(coordinates.float(), sizes, coordinates_mode, align_corners=align_corners)
    if padding_mode in ("reflection", "symmetric"):
        pixels = _reflected(pixels, sizes, with_edge=padding_mode == "symmetric")
    mode = "bilinear" if sampling_mode == "bilinear" else "nearest"
    return _sample(x, pixels, mode, None if padding_mode != "constant" else padding_value)


def _pixels(
    coordinates: Float[Tensor, "b h w 2"], sizes: Float[Tensor, " 2"], mode: str, *, align_corners: bool
) -> Float[Tensor, "b h w 2"]:
    if mode == "unnormalized":
        return coordinates
    unit = coordinates if mode == "normalized_zero_to_one" else (coordinates + 1) / 2
    return unit * (sizes - 1) if align_corners else unit * sizes - 0.5


def _reflected(pixels: Tensor, sizes: Tensor, *, with_edge: bool) -> Tensor:
    """Into the image, mirrored at its first and last pixel (or, `with_edge`, at their outer edges)."""
    low = -0.5 if with_edge else 0.0
    span = sizes if with_edge else (sizes - 1).clamp(min=1)
    offset = (pixels - low).abs().remainder(2 * span)
    return (torch.minimum(offset, 2 * span - offset) + low).clamp(min=0).minimum(sizes - 1)


def _sample(x: Tensor, pixels: Tensor, mode: str, outside: float | None) -> Tensor:
    """`outside` is what lies around the image; None: its edge goes on."""
    sizes = torch.tensor([x.shape[-1], x.shape[-2]], dtype=torch.float32)
    grid = (2 * pixels + 1) / sizes - 1
    padding = "border" if outside is None else "zeros"
    value = outside or 0.0
    sampled = functional.grid_sample(x - value if value else x, grid, mode, padding, align_corners=False)
    return sampled + value if value else sampled


@operation("affine", kind=Kind.BOUNDED)
def affine(
    x: Tensor,
    transform_matrix: Tensor,
    output_height: int,
    output_width: int,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Tensor:
    """The image under a linear map of its coordinates in [-1, 1], whose ends are the centres of the corner pixels."""
    matrix = transform_matrix.reshape(-1, 2, 3).expand(x.shape[0], 2, 3)
    grid = functional.affine_grid(
        matrix, [x.shape[0], x.shape[1], output_height, output_width], align_corners
    )
    return functional.grid_sample(x, grid, "bilinear", "zeros", align_corners=align_corners)


@operation("crop_resize", kind=Kind.BOUNDED)
def crop_resize(
    x: Tensor,
    roi: Tensor | None = None,
    boxes: Tensor | None = None,
    box_indices: Tensor | None = None,
    target_height: int = 1,
    target_width: int = 1,
    normalized_coordinates: bool = False,
    spatial_scale: float = 1.0,
    box_coordinate_mode: str = "CORNERS_HEIGHT_FIRST",
    sampling_mode: str = "DEFAULT",
    pad_value: float = 0.0,
) -> Tensor:
    """Boxes of images, each resized: (N, C, h, w), before iOS 17 (N, B or 1, C, h, w)."""
    if roi is not None:
        rows = roi.reshape(roi.shape[0], -1)
        boxes, indexed = rows[:, -4:], rows.shape[1] == 5
        images = rows[:, :1].long() if indexed else torch.arange(x.shape[0]).expand(len(rows), -1)
    else:
        assert boxes is not None
        images = (torch.arange(len(boxes)) if box_indices is None else box_indices.long())[:, None]
    corners = _corners(boxes.float(), box_coordinate_mode)
    if normalized_coordinates:
        corners = corners * torch.tensor([x.shape[-2] - 1, x.shape[-1] - 1] * 2)
    corners = corners * spatial_scale
    rows_at = _between(corners[:, 0], corners[:, 2], target_height, sampling_mode)
    columns_at = _between(corners[:, 1], corners[:, 3], target_width, sampling_mode)
    shape = (len(corners), target_height, target_width)
    pixels = torch.stack([columns_at[:, None].expand(shape), rows_at[:, :, None].expand(shape)], -1)
    outside = (pixels < 0) | (pixels > torch.tensor([x.shape[-1] - 1, x.shape[-2] - 1]) + 1e-3)
    hidden = outside.any(-1)[:, None]
    crops = [
        _sample(x[images[:, at]], pixels, "bilinear", None).masked_fill(hidden, pad_value)
        for at in range(images.shape[1])
    ]
    return torch.stack(crops, 1) if roi is not None else crops[0]


def _corners(boxes: Float[Tensor, "n 4"], mode: str) -> Float[Tensor, "n 4"]:
    """(top, left, bottom, right) whatever the order and form of the box."""
    if mode.endswith("WIDTH_FIRST"):
        boxes = boxes[:, [1, 0, 3, 2]]
    if mode.startswith("CORNERS"):
        return boxes
    center, size = boxes[:, :2], boxes[:, 2:]
    return torch.cat([center - size / 2, center + size / 2], 1)


def _between(first: Tensor, last: Tensor, out: int, mode: str) -> Tensor:
    """(n, out) positions between two ends, spaced as `resize_bilinear` does in an image of that size."""
    first, extent = first[:, None], (last - first)[:, None]
    index = torch.arange(out, dtype=torch.float32)
    if mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS"):
        if out == 1:
            return first + (extent / 2 if mode == "ALIGN_CORNERS" else 0)
        return first + index * extent / (out - 1)
    if mode == "OFFSET_CORNERS":
        return first + (index + 0.5) * extent.clamp(min=1) / out
    spacing = (extent + 1) / out
    inside = (index + 0.5) * spacing - 0.5 if mode == "UNALIGN_CORNERS" else index * spacing
    return first + inside.clamp(min=0).minimum(extent)
