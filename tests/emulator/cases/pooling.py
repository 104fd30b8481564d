"""Pools."""

import itertools
import math

import numpy as np
import torch
from torch.nn import functional

from tests.emulator.cases.case import normal, one, tensorflow_padding


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
    """At sizes where the last window is partial, or begins in the padding alone. `max_pool` as PyTorch's; `avg_pool`
    as its sum over the whole window or over the elements of the data, which PyTorch's own divisor is neither of.
    """
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

        def summed(x, k=kernel, s=stride, p=pad):
            count = functional.max_pool2d(x, k, s, p, ceil_mode=True).shape[2:]
            whole = windows(x, (k, k), (s, s), [(p, p + s)] * 2, 0.0).sum(-1)
            return whole[:, :, : count[0], : count[1]]

        for excluded in (False, True):
            yield one(
                "avg_pool",
                normal(*shape),
                lambda x, f=summed, k=kernel, e=excluded: f(x) / (f(torch.ones_like(x)) if e else k * k),
                ceil_mode=True,
                exclude_padding_from_average=excluded,
                **options,
            )


#: What a device gives for `AvgPool2d(2, stride=3, ceil_mode=True)`: apple/coremltools #2844.
DEVICE = one(
    "avg_pool",
    np.arange(49, dtype=np.float32).reshape(1, 1, 7, 7),
    lambda x: torch.tensor([[[[4, 7, 4.75], [25, 28, 15.25], [21.25, 22.75, 12]]]]),
    kernel_sizes=(2, 2),
    strides=(3, 3),
    pad_type="custom",
    pad=(0,) * 4,
    ceil_mode=True,
    exclude_padding_from_average=False,
)
CASES = [*pool_cases(), *ceil_pools(), DEVICE]
