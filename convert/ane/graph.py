"""A function as the cost model sees it: operations in the order in which they run, and who reads what.

Constants, the operations that unpack compressed weights, and whatever is computed from constants alone cost nothing
at run time; they are folded into the operations that read them, as bytes of weights.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from convert.program import Block, Constant, Function, Named, Operand, Operation, Type


@dataclass(frozen=True)
class Weights:
    """A constant operand. `stored`: bytes in the file, fewer than `type.bytes` where it is compressed."""

    type: Type
    stored: float
    constant: Constant | None = None
    #: Types of which the constant is unpacked: `int8` for linear quantisation, `uint4` for a palette of 16.
    packed: str = ""


@dataclass
class Line:
    """An operation that runs. `reads`: operands that are computed or given, in order; `weights`: constant ones."""

    index: int
    operation: Operation
    depth: int
    reads: list[Named] = field(default_factory=list)
    weights: dict[str, Weights] = field(default_factory=dict)
    #: What was found out about it, kept by whoever found it.
    memo: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def type(self) -> str:
        """As MIL names it."""
        return self.operation.type

    @property
    def name(self) -> str:
        """Its own."""
        return self.operation.name

    @property
    def writes(self) -> tuple[Named, ...]:
        """Its results."""
        return self.operation.outputs

    @property
    def result(self) -> Type:
        """The type of its first result; an empty one where there is none."""
        return self.writes[0].type if self.writes else Type("tensor", "fp16", (0,))

    @property
    def stored(self) -> float:
        """Bytes of the constants it reads, as they lie in the file."""
        return sum(weights.stored for weights in self.weights.values())

    def parameter(self, name: str, default: Any = None) -> Any:
        """The value of a constant operand; the default where it is absent or computed."""
        weights = self.weights.get(name)
        return default if weights is None or weights.constant is None else weights.constant.value

    def operand(self, name: str) -> Type | None:
        """The type of an operand, constant or not."""
        if name in self.weights:
            return self.weights[name].type
        given = self.operation.inputs.get(name)
        if not given or not isinstance(given[0], str):
            return None
        return next((read.type for read in self.reads if read.name == given[0]), None)


@dataclass
class Graph:
    """A function's lines. `producer` and `consumers` are indices of lines by the name of a value."""

    function: Function
    lines: list[Line]
    producer: dict[str, int]
    consumers: dict[str, list[int]]
    outputs: tuple[Named, ...]

    @property
    def weight_bytes(self) -> float:
        """Of every constant, once, as they lie in the file."""
        return self._weight_bytes

    _weight_bytes: float = 0.0


def graph(function: Function) -> Graph:
    """Reads a function. Operations of nested blocks follow the operation that holds them."""
    return _Builder(function).build()


class _Builder:
    """Walks the blocks once, from first operation to last."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.types = {named.name: named for named in function.inputs}
        self.constants: dict[str, Weights] = {}
        self.seen: dict[str, float] = {}
        self.lines: list[Line] = []

    def build(self) -> Graph:
        self.block(self.function.block, 0)
        producer = {named.name: line.index for line in self.lines for named in line.writes}
        consumers: dict[str, list[int]] = {}
        for line in self.lines:
            for read in line.reads:
                consumers.setdefault(read.name, []).append(line.index)
        outputs = tuple(self.types[name] for name in self.function.block.outputs if name in self.types)
        return Graph(self.function, self.lines, producer, consumers, outputs, sum(self.seen.values()))

    def block(self, block: Block, depth: int) -> None:
        self.types |= {named.name: named for named in block.inputs}
        for operation in block.operations:
            if self.folds(operation):
                continue
            line = self.line(operation, depth)
            self.lines.append(line)
            self.types |= {named.name: named for named in operation.outputs}
            for nested in operation.blocks:
                self.block(nested, depth + 1)

    def folds(self, operation: Operation) -> bool:
        """Whether the results are constant; if so they are noted."""
        if operation.type == "const":
            value = operation.attributes.get("val")
            of = operation.outputs[0]
            self.constants[of.name] = Weights(of.type, of.type.bytes, value)
            return True
        operands = [operand for group in operation.inputs.values() for operand in group]
        constant = all(not isinstance(operand, str) or operand in self.constants for operand in operands)
        if operation.blocks or not (operation.type.startswith("constexpr_") or (operands and constant)):
            return False
        given = [self.weights(operand) for operand in [*operands, *_written(operation)]]
        stored = sum(weights.stored for weights in given)
        packed = max(given, key=lambda weights: weights.type.elements, default=None)
        for output in operation.outputs:
            self.constants[output.name] = Weights(
                output.type, stored, None, packed.type.dtype if packed else ""
            )
        return True

    def line(self, operation: Operation, depth: int) -> Line:
        line = Line(len(self.lines), operation, depth)
        for name, operands in operation.inputs.items():
            for operand in operands:
                if isinstance(operand, str) and operand not in self.constants:
                    line.reads.append(self.types.get(operand) or Named(operand, Type("tensor", "fp16", (1,))))
                    continue
                weights = self.weights(operand)
                line.weights[name if len(operands) == 1 else f"{name}.{len(line.weights)}"] = weights
                self.seen[operand if isinstance(operand, str) else f"{line.name}.{name}"] = weights.stored
        return line

    def weights(self, operand: Operand) -> Weights:
        if isinstance(operand, Constant):
            return Weights(operand.type, operand.type.bytes, operand)
        return self.constants[operand]


def _written(operation: Operation) -> Iterator[Constant]:
    """Constants among the attributes, where older packages keep those of compressed weights."""
    return (value for name, value in operation.attributes.items() if name not in ("name", "val"))
