"""Multiply-accumulates against PyTorch's own counter and against formulae."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from convert.ane.costs import efficiency, padded
from tests.ane.programs import constant, conv, line, operation, program, report, tensor, weight


def counted(module, *given) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*given)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(
    ("into", "out", "kernel", "groups", "stride"),
    [(3, 64, 3, 1, 1), (64, 48, 1, 1, 1), (64, 64, 3, 64, 1), (32, 64, 5, 4, 2), (16, 32, 3, 1, 2)],
)
def test_convolution(into, out, kernel, groups, stride) -> None:
    module = torch.nn.Conv2d(into, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    made = program(
        {"x": tensor(1, into, 32, 48)},
        [conv("op", "x", into, out, (32, 48), (kernel, kernel), groups, stride=stride)],
    )
    assert line(made, "op").macs == counted(module, torch.zeros(1, into, 32, 48))


def test_transposed_convolution() -> None:
    module = torch.nn.ConvTranspose2d(32, 16, 2, 2, bias=False)
    inputs = {"x": "x", "weight": weight(32, 16, 2, 2), "strides": constant([2, 2])}
    made = program(
        {"x": tensor(1, 32, 8, 8)}, [operation("conv_transpose", "op", inputs, tensor(1, 16, 16, 16))]
    )
    assert line(made, "op").macs == counted(module, torch.zeros(1, 32, 8, 8))


def test_linear_and_matmul() -> None:
    linear = operation("linear", "op", {"x": "x", "weight": weight(48, 64)}, tensor(1, 100, 48))
    assert line(program({"x": tensor(1, 100, 64)}, [linear]), "op").macs == counted(
        torch.nn.Linear(64, 48, bias=False), torch.zeros(1, 100, 64)
    )
    inputs = {
        "x": "x",
        "y": "x",
        "transpose_x": constant(True, "bool"),
        "transpose_y": constant(False, "bool"),
    }
    product = operation("matmul", "op", inputs, tensor(2, 64, 64))
    assert line(program({"x": tensor(2, 100, 64)}, [product]), "op").macs == 2 * 64 * 64 * 100


def test_attention() -> None:
    inputs = {"query": "q", "key": "k", "value": "k"}
    made = program(
        {"q": tensor(1, 8, 100, 64), "k": tensor(1, 8, 50, 64)},
        [operation("scaled_dot_product_attention", "op", inputs, tensor(1, 8, 100, 64))],
    )
    q, k = torch.zeros(1, 8, 100, 64), torch.zeros(1, 8, 50, 64)
    assert line(made, "op").macs == counted(
        lambda q, k: torch.matmul(torch.matmul(q, k.transpose(-1, -2)), k), q, k
    )


def test_einsum() -> None:
    inputs = {"values": ("x", "y"), "equation": constant("bhqc,bhkc->bhqk", "string")}
    made = program(
        {"x": tensor(1, 4, 10, 32), "y": tensor(1, 4, 20, 32)},
        [operation("einsum", "op", inputs, tensor(1, 4, 10, 20))],
    )
    assert line(made, "op").macs == 4 * 10 * 20 * 32


def test_weights_count_as_they_are_stored() -> None:
    packed = operation(
        "constexpr_lut_to_dense",
        "w",
        {"indices": weight(64, 64, 3, 3, dtype="uint4"), "lut": weight(1, 1, 1, 1, 16, 1)},
        tensor(64, 64, 3, 3),
    )
    inputs = {"x": "x", "weight": "w", "strides": constant([1, 1]), "dilations": constant([1, 1])}
    made = program({"x": tensor(1, 64, 8, 8)}, [packed, operation("conv", "op", inputs, tensor(1, 64, 8, 8))])
    found = report(made, to_engine=True)
    assert len(found.operations) == 1
    assert found.weights_bytes == pytest.approx(64 * 64 * 9 / 2 + 32, abs=64)


def test_channels_are_padded_to_sixteen() -> None:
    assert [padded(count) for count in (1, 16, 17)] == [16, 16, 32]
    assert efficiency("spatial", 17, 17) == efficiency("spatial", 32, 32)
    assert efficiency("spatial", 64, 64) == pytest.approx(0.8)
    assert efficiency("spatial", 3, 64) == pytest.approx((0.28 * 0.8) ** 0.5)
    assert efficiency("pointwise", 4096, 4096) == pytest.approx(0.99)
