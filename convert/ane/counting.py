"""What an operation does, in numbers: multiply-accumulates, bytes in and out, the kernel of a convolution.

One multiply-accumulate is two floating-point operations. Sums, norms and activations count as none.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convert.ane.graph import Line
from convert.program import Type


@dataclass(frozen=True)
class Kernel:
    """Of a convolution; `into` and `out` are channels in and out of one group."""

    size: tuple[int, ...]
    into: int
    out: int
    groups: int
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    #: Positions at which the kernel is applied: of the result, or of the input when it is transposed.
    positions: int

    @property
    def taps(self) -> int:
        """Weights of a channel pair."""
        return math.prod(self.size)

    @property
    def width(self) -> int:
        """The last axis."""
        return self.size[-1]

    @property
    def height(self) -> int:
        """The axis before; 1 in one dimension."""
        return self.size[-2] if len(self.size) > 1 else 1

    @property
    def depthwise(self) -> bool:
        """One group for each channel."""
        return self.groups > 1 and self.into == 1


def kernel(line: Line) -> Kernel | None:
    """Of a convolution, plain or transposed; None for anything else."""
    if line.type not in ("conv", "conv_transpose"):
        return None
    if "kernel" not in line.memo:
        line.memo["kernel"] = _kernel(line)
    return line.memo["kernel"]


def _kernel(line: Line) -> Kernel | None:
    weight, x = line.operand("weight"), line.operand("x")
    if weight is None or x is None:
        return None
    groups = int(line.parameter("groups", 1))
    first, second, *size = _sizes(weight)
    transposed = line.type == "conv_transpose"
    into, out = (first // groups, second) if transposed else (second, first // groups)
    spatial = (x if transposed else line.result).shape[2:]
    batch = _sizes(line.result)[0]
    ones = (1,) * len(size)
    return Kernel(
        tuple(size),
        into,
        out,
        groups,
        _integers(line.parameter("strides", ones)),
        _integers(line.parameter("dilations", ones)),
        batch * math.prod(side or 1 for side in spatial),
    )


def macs(line: Line) -> int:
    """Multiply-accumulates of a line, those of its nested blocks apart."""
    count = _COUNTED.get(line.type)
    return count(line) if count else 0


def bytes_read(line: Line) -> float:
    """Of the operands that are computed or given; one that is read twice counts twice."""
    return sum(read.type.bytes for read in line.reads if read.type.kind != "state")


def bytes_written(line: Line) -> float:
    """Of the results."""
    return sum(named.type.bytes for named in line.writes)


def joins_channels(line: Line) -> bool:
    """Whether it puts computed operands behind each other along the channels: planes, each of which lies on its own."""
    axis = line.parameter("axis")
    rank = len(line.result.shape)
    return line.type == "concat" and axis is not None and rank > 2 and int(axis) % rank == 1


def _conv(line: Line) -> int:
    shape = kernel(line)
    return shape.positions * shape.taps * shape.into * shape.out * shape.groups if shape else 0


def _linear(line: Line) -> int:
    weight = line.operand("weight")
    return line.result.elements * _sizes(weight)[-1] if weight else 0


def _matmul(line: Line) -> int:
    return line.result.elements * inner(line)


def inner(line: Line) -> int:
    """The length of the sums of a product; 1 where it is not known."""
    if line.type == "linear":
        weight = line.operand("weight")
        return _sizes(weight)[-1] if weight else 1
    x = line.operand("x")
    if x is None or not x.shape:
        return 1
    transposed = bool(line.parameter("transpose_x", False)) and len(x.shape) > 1
    return _sizes(x)[-2 if transposed else -1]


def _einsum(line: Line) -> int:
    """The product of the lengths of all letters."""
    equation = str(line.parameter("equation", ""))
    lengths: dict[str, int] = {}
    shapes = [read.type for read in line.reads] + [
        weights.type for weights in line.weights.values() if weights.type.shape
    ]
    for letters, of in zip(equation.split("->")[0].replace(" ", "").split(","), shapes, strict=False):
        lengths |= dict(zip(letters, _sizes(of), strict=False))
    return math.prod(lengths.values()) if lengths else 0


def _attention(line: Line) -> int:
    """Scores and the weighted sum: queries x keys x (width of a key + width of a value), for each head."""
    query, key, value = (line.operand(name) for name in ("query", "key", "value"))
    if not (query and key and value):
        return 0
    *heads, length, width = _sizes(query)
    return math.prod(heads) * length * _sizes(key)[-2] * (width + _sizes(value)[-1])


def _recurrent(line: Line) -> int:
    """Every weight of the gates once for each step and sequence; x is (steps, batch, features)."""
    x = line.operand("x")
    matrices = [weights.type for weights in line.weights.values() if len(weights.type.shape) == 2]
    return math.prod(_sizes(x)[:2]) * sum(matrix.elements for matrix in matrices) if x else 0


_COUNTED: dict[str, Callable[[Line], int]] = {
    "conv": _conv,
    "conv_transpose": _conv,
    "linear": _linear,
    "matmul": _matmul,
    "einsum": _einsum,
    "scaled_dot_product_attention": _attention,
    "lstm": _recurrent,
    "gru": _recurrent,
    "rnn": _recurrent,
}


def _sizes(of: Type) -> tuple[int, ...]:
    return tuple(size or 1 for size in of.shape)


def _integers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)
