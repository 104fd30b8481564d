"""Branches and loops, whose blocks read the values around them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from convert.emulator.steps import Compiled, Run, Values, Watch
from convert.program import Block, Constant, Operation
from mlx_vader.errors import VaderError

#: A loop that has not ended after so many turns never will: those over frames or pixels of a network end long before.
MOST_TURNS = 1_000_000


class Blocks(Protocol):
    """What branches and loops need of the compiler (`convert.emulator.function`)."""

    opset: str
    package: object
    watch: Watch | None

    def block(self, block: Block) -> Compiled:
        """A block and those within it."""

    def operand(self, operand: str | Constant) -> Any:
        """The place of a value, or the value itself."""


def compile_blocks(compiler: Blocks, operation: Operation) -> tuple[Run, set[int]]:
    """What runs a branch or a loop, and the places that it or its blocks read."""
    builders = {"cond": _branch, "while_loop": _loop}
    if operation.type not in builders:
        raise VaderError(
            f"the emulator has no operation {operation.type} ({compiler.opset}), which {compiler.package} uses",
            hint="Core ML on a Mac runs it; please report the operation",
        )
    blocks = [compiler.block(block) for block in operation.blocks]
    run, reads = builders[operation.type](compiler, operation, blocks)
    for block in blocks:
        reads |= {*block.outputs, *(place for step in block.steps for place in step.reads)}
    return run, reads


def _branch(compiler: Blocks, operation: Operation, blocks: Sequence[Compiled]) -> tuple[Run, set[int]]:
    """`cond`: the first block when `pred` holds, else the second."""
    (pred,) = _operands(compiler, operation, "pred")

    def run(values: Values) -> Sequence[Any]:
        block = blocks[0 if bool(pred(values)) else 1]
        block.run(values, compiler.watch)
        return [values[place] for place in block.outputs]

    return run, _places(compiler, operation, "pred")


def _loop(compiler: Blocks, operation: Operation, blocks: Sequence[Compiled]) -> tuple[Run, set[int]]:
    """`while_loop`: the second block as long as the first gives true. Both take the loop's values as inputs."""
    start = _operands(compiler, operation, "loop_vars")
    condition, body = blocks

    def run(values: Values) -> Sequence[Any]:
        carried = [read(values) for read in start]
        for _turn in range(MOST_TURNS):
            for place, value in zip(condition.inputs, carried, strict=True):
                values[place] = value
            condition.run(values, compiler.watch)
            if not bool(values[condition.outputs[0]]):
                return carried
            for place, value in zip(body.inputs, carried, strict=True):
                values[place] = value
            body.run(values, compiler.watch)
            carried = [values[place] for place in body.outputs]
        raise VaderError(
            f"a loop of {compiler.package} did not end within {MOST_TURNS:,} turns",
            hint="the condition of its while_loop stays true: look at how the package was made",
        )

    return run, _places(compiler, operation, "loop_vars")


def _operands(compiler: Blocks, operation: Operation, name: str) -> list[Callable[[Values], Any]]:
    return [_reading(compiler.operand(operand)) for operand in operation.inputs[name]]


def _reading(source: Any) -> Callable[[Values], Any]:
    if isinstance(source, int):
        return lambda values: values[source]
    return lambda values: source.value


def _places(compiler: Blocks, operation: Operation, name: str) -> set[int]:
    sources = [compiler.operand(operand) for operand in operation.inputs[name]]
    return {source for source in sources if isinstance(source, int)}
