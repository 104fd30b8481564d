"""Convolutions of one, two or three spatial dimensions."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from convert.emulator.registry import Ints, operation

_CONV = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
_TRANSPOSED = {1: torch.conv_transpose1d, 2: torch.conv_transpose2d, 3: torch.conv_transpose3d}


def padding_of(pad_type: str, pad: Ints, sizes: Ints, spans: Ints, strides: Ints) -> Ints:
    """(before, after) for each spatial axis, flat. `spans` are kernel sizes with their dilation.

    `same` keeps ceil(size / stride) positions: TensorFlow's rule, with the odd element after; `same_lower` before.
    """
    if pad_type == "custom":
        return pad
    if pad_type == "valid":
        return (0,) * (2 * len(sizes))
    total = [
        max(0, (math.ceil(size / stride) - 1) * stride + span - size)
        for size, span, stride in zip(sizes, spans, strides, strict=True)
    ]
    less, more = [value // 2 for value in total], [value - value // 2 for value in total]
    before, after = (less, more) if pad_type == "same" else (more, less)
    return tuple(value for pair in zip(before, after, strict=True) for value in pair)


def innermost_first(pad: Ints) -> list[int]:
    """The order in which PyTorch's `pad` takes (before, after) pairs."""
    pairs = [pad[at : at + 2] for at in range(0, len(pad), 2)]
    return [value for pair in reversed(pairs) for value in pair]


def _spans(kernel: Ints, dilations: Ints) -> Ints:
    return tuple((size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True))


@operation("conv")
def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    strides: Ints | None = None,
    pad_type: str = "valid",
    pad: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    rank = x.ndim - 2
    strides, dilations = strides or (1,) * rank, dilations or (1,) * rank
    spans = _spans(weight.shape[2:], dilations)
    both = padding_of(pad_type, pad or (0,) * (2 * rank), x.shape[2:], spans, strides)
    before, after = both[::2], both[1::2]
    if before != after:
        x, before = functional.pad(x, innermost_first(both)), (0,) * rank
    return _CONV[rank](x, weight, bias, strides, before, dilations, groups)


@operation("conv_transpose")
def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    pad: Ints | None = None,
    output_shape: Ints | None = None,
    pad_type: str = "valid",
    strides: Ints | None = None,
    dilations: Ints | None = None,
    groups: int = 1,
) -> Tensor:
    """Everything that the kernel touches, then cut (or, for a larger output, extended by the bias alone)."""
    rank = x.ndim - 2
    strides, dilations = strides or (1,) * rank, dilations or (1,) * rank
    full = tuple(
        (size - 1) * stride + span
        for size, stride, span in zip(x.shape[2:], strides, _spans(weight.shape[2:], dilations), strict=True)
    )
    cuts = _cuts(pad_type, pad or (0,) * (2 * rank), full, x.shape[2:], strides, output_shape)
    before, after = cuts[::2], cuts[1::2]
    extra = tuple(low - high for low, high in zip(before, after, strict=True))
    natural = all(0 <= more < stride for more, stride in zip(extra, strides, strict=True))
    if natural and min(before) >= 0:
        return _TRANSPOSED[rank](x, weight, bias, strides, before, extra, groups, dilations)
    whole = _TRANSPOSED[rank](x, weight, None, strides, (0,) * rank, (0,) * rank, groups, dilations)
    cut = functional.pad(whole, [-value for value in innermost_first(cuts)])
    return cut if bias is None else cut + bias.view(-1, *(1,) * rank)


def _cuts(pad_type: str, pad: Ints, full: Ints, sizes: Ints, strides: Ints, output: Ints | None) -> Ints:
    """What is cut (before, after) each spatial axis of the full output. Negative: what is added."""
    if output is None and pad_type != "same":
        return pad if pad_type == "custom" else (0,) * len(pad)
    wanted = (
        output[2:] if output else tuple(size * stride for size, stride in zip(sizes, strides, strict=True))
    )
    total = [have - want for have, want in zip(full, wanted, strict=True)]
    if pad_type == "same":
        before = [value // 2 for value in total]
    else:
        before = list(pad[::2]) if pad_type == "custom" else [0] * len(total)
    return tuple(item for low, all_ in zip(before, total, strict=True) for item in (low, all_ - low))
