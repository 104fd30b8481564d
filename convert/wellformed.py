"""Is a program whole? Each value is made before it is read, has a known type, and is of a size that devices hold."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from convert.manifest import COPY_AGAIN
from mlx_vader.errors import VaderError

if TYPE_CHECKING:
    from convert.program import Block, Function, Program, Type

#: Numbers of one array. Maps of 256 channels at 8K have as many.
MOST_ELEMENTS = 2**33


def check_program(program: "Program") -> None:
    """Raises `VaderError` for the first thing that is wrong, with the names of the package and of the operation."""
    for function in program.functions.values():
        for reason in _faults(function):
            where = f", function {function.name!r}" if len(program.functions) > 1 else ""
            raise VaderError(f"{program.path}{where} is damaged: {reason}", hint=COPY_AGAIN)


def _faults(function: "Function") -> Iterator[str]:
    for entry in function.inputs:
        yield from _type_faults(entry.name, entry.type)
    yield from _block_faults(function.block, {entry.name for entry in function.inputs})


def _block_faults(block: "Block", known: set[str]) -> Iterator[str]:
    """`known`: values from outside."""
    known = known | {entry.name for entry in block.inputs}
    for entry in block.inputs:
        yield from _type_faults(entry.name, entry.type)
    for operation in block.operations:
        called = f"{operation.type} {operation.name!r}"
        for name in operation.named_operands:
            if name not in known:
                yield f"{called} reads {name!r}, which nothing gives"
        if operation.type == "const" and (len(operation.outputs) != 1 or "val" not in operation.attributes):
            yield f"{called} holds no value"
        for nested in operation.blocks:
            yield from _block_faults(nested, known)
        for output in operation.outputs:
            yield from _type_faults(output.name, output.type)
            known.add(output.name)
    for name in block.outputs:
        if name not in known:
            yield f"it gives {name!r}, which no operation makes"


def _type_faults(name: str, of: "Type") -> Iterator[str]:
    if of.elements > MOST_ELEMENTS:
        yield f"{name!r} has {of.elements:.1e} numbers"
    for item in of.items:
        yield from _type_faults(name, item)
