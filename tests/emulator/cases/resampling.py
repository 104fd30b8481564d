"""Resizing, cropping, sampling at given points."""

import itertools
import math

import numpy as np
import torch
from torch.nn import functional

from tests.emulator.cases.case import Case, mb, normal, one, within

T = torch.tensor


def points_as_documented(size, out, mode):
    """The grid points in the words of `resize_bilinear`'s documentation."""
    if mode == "ALIGN_CORNERS" and out == 1:
        return [(size - 1) / 2]
    points = []
    for i in range(out):
        if mode.endswith("ALIGN_CORNERS") and mode != "UNALIGN_CORNERS":
            point = i * (size - 1) / (out - 1) if out > 1 else 0
        elif mode == "DEFAULT":
            point = i * ((size - size / out) / (out - 1)) if out > 1 else 0
        elif mode == "OFFSET_CORNERS":
            point = 0.5 * max(1, size - 1) / out + i * max(1, size - 1) / out
        else:
            point = i * (size / out) + 0.5 * (size / out) - 0.5
        points.append(min(size - 1, max(0, point)))
    return points


def interpolated(x, sizes, mode):
    """Axis by axis with matrices of weights."""
    for axis, out in zip(range(-len(sizes), 0), sizes, strict=True):
        size = x.shape[axis]
        matrix = torch.zeros(out, size)
        for row, point in enumerate(points_as_documented(size, out, mode)):
            low = math.floor(point)
            matrix[row, low] += 1 - (point - low)
            if low + 1 < size:
                matrix[row, low + 1] += point - low
        x = (x.movedim(axis, -1) @ matrix.T).movedim(-1, axis)
    return x


MODES = ("DEFAULT", "STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "OFFSET_CORNERS", "UNALIGN_CORNERS")


def resize_cases():
    for mode, sizes in itertools.product(MODES, ((9, 4), (5, 15), (1, 7))):
        yield one(
            "resize_bilinear",
            normal(1, 2, 5, 6),
            lambda x, m=mode, s=sizes: interpolated(x, s, m),
            target_size_height=sizes[0],
            target_size_width=sizes[1],
            sampling_mode=mode,
        )
        yield one(
            "resize",
            normal(2, 5, 6),
            lambda x, m=mode, s=sizes: interpolated(x, s, m),
            "iOS17",
            shape=np.int32(sizes),
            resized_dims=np.uint32(2),
            interpolation_mode="LINEAR",
            sampling_mode=mode,
        )
    yield one(
        "resize",
        normal(1, 2, 5, 6),
        lambda x: functional.interpolate(x, (8, 6), mode="nearest"),
        "iOS17",
        shape=np.int32([8, 0]),
        resized_dims=np.uint32(2),
        interpolation_mode="NEAREST_NEIGHBOR",
        sampling_mode="DEFAULT",
    )
    yield one(
        "resize",
        normal(1, 2, 5, 6),
        lambda x: functional.interpolate(x, (8, 9), mode="nearest-exact"),
        "iOS17",
        shape=np.int32([8, 9]),
        resized_dims=np.uint32(2),
        interpolation_mode="NEAREST_NEIGHBOR",
        sampling_mode="UNALIGN_CORNERS",
    )
    yield Case(
        "resize",
        (normal(1, 2, 5, 6), np.int32([7, 11])),
        lambda x, s: mb.resize(x=x, shape=s, resized_dims=np.uint32(2), sampling_mode="UNALIGN_CORNERS"),
        lambda x, s: functional.interpolate(x, (7, 11), mode="bilinear"),
        "iOS17",
    )
    for align, factor in itertools.product((False, True), (2.0, 3.0)):
        yield one(
            "upsample_bilinear",
            normal(1, 2, 5, 6),
            lambda x, a=align, f=factor: functional.interpolate(
                x, scale_factor=(f, 2.0), mode="bilinear", align_corners=a
            ),
            scale_factor_height=np.float32(factor),
            scale_factor_width=np.float32(2),
            align_corners=align,
        )
    yield one(
        "upsample_bilinear",
        normal(1, 2, 5, 6),
        lambda x: interpolated(x, (10, 18), "DEFAULT"),
        "iOS16",
        scale_factor_height=2,
        scale_factor_width=3,
        align_corners=False,
        half_pixel_centers=False,
    )
    yield one(
        "upsample_nearest_neighbor",
        normal(1, 2, 5, 6),
        lambda x: x.repeat_interleave(2, 2).repeat_interleave(3, 3),
        scale_factor_height=2,
        scale_factor_width=3,
    )
    yield one(
        "resize_nearest_neighbor",
        normal(1, 2, 5, 6),
        lambda x: x[:, :, [0, 0, 1, 2, 2, 3, 4]][..., [0, 1, 3, 4]],
        target_size_height=7,
        target_size_width=4,
    )
    yield one(
        "resize_nearest_neighbor",
        normal(2, 4, 6),
        lambda x: x.repeat_interleave(2, 1),
        target_size_height=8,
        target_size_width=6,
    )
    yield one("crop", normal(2, 3, 6, 7), lambda x: x[..., 1:4, 0:5], crop_height=[1, 2], crop_width=[0, 2])


def sampling_cases():
    paddings = {"constant": "zeros", "border": "border", "reflection": "reflection"}
    for align, (padding, theirs), mode in itertools.product(
        (False, True), paddings.items(), ("bilinear", "nearest")
    ):
        # PyTorch reflects at pixel edges without align_corners, which Core ML calls symmetric.
        ours = "symmetric" if padding == "reflection" and not align else padding
        yield Case(
            "resample",
            (normal(2, 3, 5, 6), within(-1.7, 1.7, 2, 4, 3, 2)),
            lambda x, c, p=ours, m=mode, a=align: mb.resample(
                x=x,
                coordinates=c,
                sampling_mode=m,
                padding_mode=p,
                padding_value=np.float32(0),
                coordinates_mode="normalized_minus_one_to_one",
                align_corners=a,
            ),
            lambda x, c, p=theirs, m=mode, a=align: functional.grid_sample(x, c, m, p, a),
            "iOS16",
        )
    for coordinates, to_unit in (
        ("unnormalized", lambda c: (c + 1) / 2 * torch.tensor([5.0, 4.0])),
        ("normalized_zero_to_one", lambda c: (c + 1) / 2),
    ):
        given = within(-1.2, 1.2, 2, 4, 3, 2)
        yield Case(
            "resample",
            (normal(2, 3, 5, 6), to_unit(T(given)).numpy()),
            lambda x, c, m=coordinates: mb.resample(
                x=x,
                coordinates=c,
                sampling_mode="bilinear",
                padding_mode="constant",
                padding_value=np.float32(0.5),
                coordinates_mode=m,
                align_corners=True,
            ),
            lambda x, c, g=given: functional.grid_sample(x - 0.5, T(g), align_corners=True) + 0.5,
            "iOS16",
        )
    matrix = np.float32([[0.9, 0.2, 0.1, -0.3, 1.1, 0.2]])
    yield one(
        "affine",
        normal(2, 3, 5, 6),
        lambda x: functional.grid_sample(
            x,
            functional.affine_grid(T(matrix).view(1, 2, 3).expand(2, 2, 3), (2, 3, 4, 7), align_corners=True),
            align_corners=True,
        ),
        transform_matrix=matrix,
        output_height=4,
        output_width=7,
        sampling_mode="bilinear",
        padding_mode="constant",
        padding_value=np.float32(0),
        coordinates_mode="normalized_minus_one_to_one",
        align_corners=True,
    )


#: coremltools' own example: the numbers 1 … 16 as a 4×4 image, cut at 1 … 2.
SQUARE = np.arange(1, 17, dtype=np.float32).reshape(1, 1, 4, 4)


def crop_resize_cases():
    corners = {"normalized_coordinates": False, "box_coordinate_mode": "CORNERS_HEIGHT_FIRST"}
    roi = np.float32([1, 1, 2, 2]).reshape(1, 1, 4, 1, 1)
    turned = np.float32([2, 2, 1, 1]).reshape(1, 1, 4, 1, 1)
    for box, size, wanted in (
        (roi, 2, [[6, 7], [10, 11]]),
        (roi, 1, [[8.5]]),
        (turned, 2, [[11, 10], [7, 6]]),
    ):
        yield one(
            "crop_resize",
            SQUARE,
            lambda x, w=wanted: T(np.float32(w))[None, None, None],
            roi=box,
            target_height=size,
            target_width=size,
            sampling_mode="ALIGN_CORNERS",
            **corners,
        )
    indexed = np.float32([0, 0, 0, 1 / 3, 1 / 3]).reshape(1, 1, 5, 1, 1)
    yield one(
        "crop_resize",
        SQUARE,
        lambda x: T(np.float32([[1, 2], [5, 6]]))[None, None, None],
        roi=indexed,
        target_height=2,
        target_width=2,
        sampling_mode="ALIGN_CORNERS",
        normalized_coordinates=True,
        box_coordinate_mode="CORNERS_HEIGHT_FIRST",
    )
    boxes, images = np.float32([[1.5, 2, 2, 3], [2, 2.5, 3, 2]]), np.int32([1, 0])
    yield one(
        "crop_resize",
        normal(2, 3, 6, 7),
        lambda x: torch.stack([boxed(x[image], *box) for image, box in zip(images, boxes, strict=True)]),
        "iOS17",
        boxes=boxes,
        box_indices=images,
        target_height=4,
        target_width=5,
        box_coordinate_mode="CENTER_SIZE_WIDTH_FIRST",
        sampling_mode="STRICT_ALIGN_CORNERS",
    )


def boxed(x, center_x, center_y, width, height):
    """A box read at corners that are pixel centres; nothing of it lies outside."""
    across = torch.linspace(center_x - width / 2, center_x + width / 2, 5) / (x.shape[2] - 1) * 2 - 1
    down = torch.linspace(center_y - height / 2, center_y + height / 2, 4) / (x.shape[1] - 1) * 2 - 1
    grid = torch.stack([across[None].expand(4, 5), down[:, None].expand(4, 5)], -1)
    return functional.grid_sample(x[None], grid[None], align_corners=True)[0]


CASES = [*resize_cases(), *sampling_cases(), *crop_resize_cases()]
