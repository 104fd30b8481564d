"""Convolutions and transposed convolutions."""

import itertools

import torch
from torch.nn import functional

from tests.emulator.cases.case import Case, mb, normal, one, tensorflow_padding

T = torch.tensor

# Convolutions: (shape, kernel, strides, dilations, groups), with padding in TensorFlow's way worked out below.
CONVS = [
    ((2, 4, 11), (6, 4, 3), (1,), (1,), 1),
    ((2, 4, 9, 10), (6, 4, 3, 3), (1, 1), (1, 1), 1),
    ((1, 4, 9, 10), (8, 2, 3, 2), (2, 1), (1, 2), 2),
    ((1, 6, 8, 11), (6, 1, 5, 4), (2, 3), (1, 1), 6),
    ((1, 2, 5, 6, 7), (3, 2, 2, 3, 3), (1, 2, 2), (1, 1, 1), 1),
]


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


CASES = [*conv_cases(), *dynamic_convs(), *transposed_cases()]
