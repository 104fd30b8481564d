"""Half precision: every result is a half, and what half cannot hold is noted at the operation where it appears."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from convert.emulator import EmulatedModel
from convert.emulator.rounding import Flags, round_, rounded
from tests.emulator.conversion import save


class Overflowing(nn.Module):
    """Squares twice: 300⁴ is beyond half precision; its root is no longer known."""

    def forward(self, x):
        big = x * x
        return torch.sqrt(big * big), torch.relu(big) + 1


@pytest.fixture(scope="module")
def overflowing(tmp_path_factory):
    return save(Overflowing(), [torch.zeros(1, 4)], tmp_path_factory.mktemp("round") / "net.mlpackage")


def test_overflow_is_noted_where_it_appears(overflowing):
    model = EmulatedModel(overflowing)
    outputs = model.predict({"x0": np.float32([[1, 2, 3, 300]])})
    kinds = [(flag.kind, flag.type) for flag in model.flags]
    # The square of 300 is 90000 already; the sum with it is an inf that was given, not made.
    assert {kind for kind, _ in kinds} == {"inf"}
    assert len(kinds) == 1
    assert model.flags[0].largest == 90000
    assert math.isinf(outputs["y0"][0, -1])


def test_what_is_large_is_noted_once_with_the_largest_of_all_calls(overflowing):
    model = EmulatedModel(overflowing)
    for value in (190, 200, 185):
        model.predict({"x0": np.float32([[0, 0, 0, value]])})
    (large,) = [
        flag for flag in model.flags if flag.kind == "large" and flag.largest < 50000 and flag.type != "add"
    ]
    assert large.largest == 40000
    model.clear_flags()
    assert model.flags == []
    model.predict({"x0": np.float32([[0, 0, 0, 10]])})
    assert model.flags == []


def test_not_a_number_is_noted(tmp_path):
    class Root(nn.Module):
        def forward(self, x):
            return torch.sqrt(x) + 1

    model = EmulatedModel(save(Root(), [torch.zeros(1, 4)], tmp_path / "net.mlpackage"))
    model.predict({"x0": np.float32([[1, 2, 3, -1]])})
    assert [(flag.type, flag.kind) for flag in model.flags] == [("sqrt", "nan")]


def test_single_precision_notes_nothing_and_overflows_nothing(overflowing):
    model = EmulatedModel(overflowing, precision="fp32")
    outputs = model.predict({"x0": np.float32([[1, 2, 3, 300]])})
    assert outputs["y0"][0, -1] == 90000
    assert model.flags == []


def test_a_mask_of_minus_infinity_is_no_overflow(tmp_path):
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mask", torch.full((4, 4), -math.inf).triu(1))

        def forward(self, x):
            return (x @ x.transpose(1, 2) + self.mask).softmax(-1)

    model = EmulatedModel(save(Masked(), [torch.zeros(1, 4, 3)], tmp_path / "net.mlpackage"))
    y = model.predict({"x0": np.random.default_rng(0).random((1, 4, 3))})["y0"]
    assert np.triu(y[0], 1).max() == 0
    assert model.flags == []


def test_rounding_is_to_the_nearest_half():
    x = torch.randn(10000) * torch.logspace(-8, 4, 10000)
    wanted = torch.from_numpy(x.numpy().astype(np.float16).astype(np.float32))
    torch.testing.assert_close(rounded(x), wanted, rtol=0, atol=0)
    torch.testing.assert_close(round_(x.clone()), wanted, rtol=0, atol=0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last, None])
def test_a_single_large_value_is_found(layout):
    x = torch.zeros(1, 8, 16, 16)
    x[0, 3, 7, 9] = -40000
    x = x.transpose(1, 3) if layout is None else x.contiguous(memory_format=layout)
    flags = Flags()
    flags.check("conv", "c", x, [])
    assert [(flag.kind, flag.largest) for flag in flags] == [("large", 40000)]
