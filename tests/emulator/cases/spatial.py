"""Convolutions, pools, resizing, sampling."""

import itertools
import math

import numpy as np
import torch
from torch.nn import functional

from tests.emulator.cases.case import Case, mb, normal, within

T = torch.tensor


def one(name, x, expected, opset="iOS15", **attributes):
    return Case(name, (x,), lambda x: getattr(mb, name)(x=x, **attributes), expected, opset)


# Convolutions: (shape, kernel, strides, dilations, groups), with padding in TensorFlow's way worked out below.
CONVS = [
    ((2, 4, 11), (6, 4, 3), (1,), (1,), 1),
    ((2, 4, 9, 10), (6, 4, 3, 3), (1, 1), (1, 1), 1),
    ((1, 4, 9, 10), (8, 2, 3, 2), (2, 1), (1, 2), 2),
    ((1, 6, 8, 11), (6, 1, 5, 4), (2, 3), (1, 1), 6),
    ((1, 2, 5, 6, 7), (3, 2, 2, 3, 3), (1, 2, 2), (1, 1, 1), 1),
]


def tensorflow_padding(shape, kernel, strides, dilations, lower):
    pads = []
    for size, k, stride, dilation in zip(shape[2:], kernel[2:], strides, dilations, strict=True):
        out = -(-size // stride)
        total = max((out - 1) * stride + (k - 1) * dilation + 1 - size, 0)
        half = total // 2
        pads.append((total - half, half) if lower else (half, total - half))
    return pads


def convolve(x, weight, bias, pads, strides, dilations, groups):
    """On the padded input, by PyTorch's convolution of that rank."""
    flat = [value for pair in reversed(pads) for value in pair]
    function = (functional.conv1d, functional.conv2d, functional.conv3d)[x.ndim - 3]
    return function(functional.pad(x, flat), weight, bias, strides, 0, dilations, groups)


def conv_cases():
    for (shape, kernel, strides, dilations, groups), pad_type in itertools.product(
        CONVS, ("valid", "same", "same_lower", "custom", "symmetric")
    ):
        rank = len(shape) - 2
        weight, bias = normal(*kernel), normal(kernel[0])
        pads = {
            "valid": [(0, 0)] * rank,
            "custom": [(axis, 2) for axis in range(rank)],
            "symmetric": [(1, 1)] * rank,
        }.get(pad_type) or tensorflow_padding(shape, kernel, strides, dilations, pad_type == "same_lower")
        given = "custom" if pad_type == "symmetric" else pad_type
        yield one(
            "conv",
            normal(*shape),
            lambda x, weight=weight, bias=bias, pads=pads, s=strides, d=dilations, g=groups: convolve(
                x, T(weight), T(bias), pads, s, d, g
            ),
            "iOS16",
            weight=weight,
            bias=bias,
            strides=strides,
            dilations=dilations,
            groups=groups,
            pad_type=given,
            **({"pad": [value for pair in pads for value in pair]} if given == "custom" else {}),
        )


def scattered(x, weight, strides, dilations, groups):
    """The transposed convolution by its definition: every input element adds its kernel."""
    rank = x.ndim - 2
    spans = [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilations, strict=True)]
    sizes = [(n - 1) * s + span for n, s, span in zip(x.shape[2:], strides, spans, strict=True)]
    out = torch.zeros(x.shape[0], weight.shape[1] * groups, *sizes)
    inputs, outputs = x.shape[1] // groups, weight.shape[1]
    for group, place in itertools.product(range(groups), itertools.product(*map(range, x.shape[2:]))):
        values = x[(slice(None), slice(group * inputs, (group + 1) * inputs), *place)]
        kernel = weight[group * inputs : (group + 1) * inputs]
        window = tuple(
            slice(at * s, at * s + span, d)
            for at, s, span, d in zip(place, strides, spans, dilations, strict=True)
        )
        target = (slice(None), slice(group * outputs, (group + 1) * outputs), *window)
        out[target] += torch.einsum("bi,io...->bo...", values, kernel) if rank else values
    return out


def transposed_cases():
    for shape, kernel, strides, dilations, groups in (
        ((1, 4, 5), (4, 3, 4), (2,), (1,), 1),
        ((2, 4, 4, 3), (4, 3, 2, 2), (2, 2), (1, 1), 1),
        ((1, 4, 4, 3), (4, 2, 3, 4), (2, 1), (1, 2), 2),
        ((1, 2, 3, 3, 2), (2, 2, 3, 2, 2), (2, 1, 2), (1, 1, 1), 1),
    ):
        rank = len(shape) - 2
        weight, bias = normal(*kernel), normal(kernel[1] * groups)
        full = [
            (n - 1) * s + (k - 1) * d + 1
            for n, s, k, d in zip(shape[2:], strides, kernel[2:], dilations, strict=True)
        ]
        forms = {"valid": [(0, 0)] * rank, "custom": [(1, 0)] * rank, "symmetric": [(1, 1)] * rank}
        forms["same"] = [
            ((have - n * s) // 2, (have - n * s) - (have - n * s) // 2)
            for have, n, s in zip(full, shape[2:], strides, strict=True)
        ]
        forms["output"] = [(1, 0)] * rank
        for form, cuts in forms.items():
            attributes = {"pad_type": form if form in ("valid", "same") else "custom"}
            if attributes["pad_type"] == "custom":
                attributes["pad"] = [value for pair in cuts for value in pair]
            if form == "output":
                sizes = [have - low - high for have, (low, high) in zip(full, cuts, strict=True)]
                attributes["output_shape"] = [shape[0], kernel[1] * groups, *sizes]
                attributes["pad"] = [1, 1] * rank
            yield one(
                "conv_transpose",
                normal(*shape),
                lambda x, w=weight, b=bias, s=strides, d=dilations, g=groups, cuts=cuts: (
                    functional.pad(
                        scattered(x, T(w), s, d, g), [-value for pair in reversed(cuts) for value in pair]
                    )
                    + T(b).view(-1, *(1,) * (x.ndim - 2))
                ),
                weight=weight,
                bias=bias,
                strides=strides,
                dilations=dilations,
                groups=groups,
                **attributes,
            )


def dynamic_convs():
    yield Case(
        "conv",
        (normal(1, 3, 6, 6), normal(4, 3, 3, 3)),
        lambda x, w: mb.conv(x=x, weight=w, pad_type="same"),
        lambda x, w: functional.conv2d(x, w, padding=1),
    )


# Pools
def windows(x, kernel, strides, pads, value):
    """(n, c, positions…, window) of the padded input."""
    flat = [item for pair in reversed(pads) for item in pair]
    x = functional.pad(x, flat, value=value)
    for axis, (size, stride) in enumerate(zip(kernel, strides, strict=True)):
        x = x.unfold(axis + 2, size, stride)
    return x.flatten(-len(kernel))


def pool_cases():
    for (shape, kernel, strides), pad_type in itertools.product(
        (((2, 3, 11), (3,), (2,)), ((1, 2, 9, 10), (3, 4), (2, 3)), ((1, 2, 6, 5, 7), (2, 3, 2), (2, 1, 2))),
        ("valid", "same", "same_lower", "custom"),
    ):
        rank = len(kernel)
        if pad_type.startswith("same"):
            pads = tensorflow_padding(shape, (0, 0, *kernel), strides, (1,) * rank, pad_type == "same_lower")
        else:
            pads = [(1, 1) if pad_type == "custom" else (0, 0)] * rank
        options = {"kernel_sizes": kernel, "strides": strides, "pad_type": pad_type}
        if pad_type == "custom":
            options["pad"] = [value for pair in pads for value in pair]

        def summed(x, pads=pads, k=kernel, s=strides):
            return windows(x, k, s, pads, 0.0).sum(-1)

        def counted(x, pads=pads, k=kernel, s=strides):
            return windows(torch.ones_like(x), k, s, pads, 0.0).sum(-1)

        yield one(
            "max_pool",
            normal(*shape),
            lambda x, p=pads, k=kernel, s=strides: windows(x, k, s, p, -math.inf).amax(-1),
            "iOS16",
            **options,
        )
        yield one(
            "avg_pool",
            normal(*shape),
            lambda x, f=summed, k=kernel: f(x) / math.prod(k),
            "iOS16",
            exclude_padding_from_average=False,
            **options,
        )
        yield one(
            "avg_pool",
            normal(*shape),
            lambda x, f=summed, c=counted: f(x) / c(x),
            "iOS16",
            exclude_padding_from_average=True,
            **options,
        )
        if rank < 3:
            yield one(
                "l2_pool",
                normal(*shape),
                lambda x, p=pads, k=kernel, s=strides: (windows(x, k, s, p, 0.0) ** 2).sum(-1).sqrt(),
                "iOS16",
                **options,
            )


def ceil_pools():
    """As PyTorch's, at sizes where the last window is partial, or begins in the padding alone."""
    for size, kernel, stride, pad in itertools.product((7, 8, 9, 10), (2, 3), (2, 3), (0, 1)):
        if not pad and math.ceil((size - kernel) / stride) * stride >= size:
            continue  # MIL keeps a window that begins behind the data; PyTorch does not.
        shape, both = (1, 2, size, 11), (pad,) * 4
        options = {
            "kernel_sizes": (kernel, kernel),
            "strides": (stride, stride),
            "pad_type": "custom",
            "pad": both,
        }
        yield one(
            "max_pool",
            normal(*shape),
            lambda x, k=kernel, s=stride, p=pad: functional.max_pool2d(x, k, s, p, ceil_mode=True),
            ceil_mode=True,
            **options,
        )
        for excluded in (False, True):
            yield one(
                "avg_pool",
                normal(*shape),
                lambda x, k=kernel, s=stride, p=pad, e=excluded: functional.avg_pool2d(
                    x, k, s, p, ceil_mode=True, count_include_pad=not e
                ),
                ceil_mode=True,
                exclude_padding_from_average=excluded,
                **options,
            )


# Resizing
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


# Sampling
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


CASES = [
    *conv_cases(),
    *dynamic_convs(),
    *transposed_cases(),
    *pool_cases(),
    *ceil_pools(),
    *resize_cases(),
    *sampling_cases(),
    *crop_resize_cases(),
]
