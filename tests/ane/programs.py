"""Small programs, built by hand: what a package's reader would give."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from convert.ane.chips import chip
from convert.ane.graph import graph
from convert.ane.inspection import predict
from convert.program import Block, Constant, Function, Named, Operation, Program, Type


def tensor(*shape: int, dtype: str = "fp16") -> Type:
    return Type("tensor", dtype, shape)


def state(*shape: int) -> Type:
    return Type("state", "fp16", shape)


def constant(value, dtype: str = "int32") -> Constant:
    array = np.asarray(value)
    return Constant(tensor(*array.shape, dtype=dtype), lambda: array if array.shape else array[()])


def weight(*shape: int, dtype: str = "fp16") -> Constant:
    return Constant(tensor(*shape, dtype=dtype), lambda: np.zeros(0))


def operation(kind: str, name: str, inputs: dict, *outputs: Type, blocks: Sequence[Block] = ()) -> Operation:
    given = {key: value if isinstance(value, tuple) else (value,) for key, value in inputs.items()}
    named = [Named(name if not index else f"{name}_{index}", of) for index, of in enumerate(outputs)]
    return Operation(kind, name, given, tuple(named), tuple(blocks))


def conv(
    name: str, x: str, into: int, out: int, size=(32, 32), kernel=(3, 3), groups=1, dilation=1, stride=1
):
    inputs = {
        "x": x,
        "weight": weight(out, into // groups, *kernel),
        "strides": constant([stride] * len(kernel)),
        "dilations": constant([dilation] * len(kernel)),
        "groups": constant(groups),
    }
    return operation("conv", name, inputs, tensor(1, out, *(side // stride for side in size)))


def program(inputs: dict[str, Type], operations: Sequence[Operation], outputs: Sequence[str] = ()) -> Program:
    last = outputs or [operations[-1].outputs[0].name]
    given = tuple(Named(name, of) for name, of in inputs.items())
    function = Function("main", "CoreML8", given, Block((), tuple(last), tuple(operations)))
    return Program(Path("made"), None, {"main": function}, "main")


def report(made: Program, on: str = "m4", **options):
    return predict(made, graph(made.function()), chip(on), **options)


def line(made: Program, name: str, on: str = "m4", **options):
    """The report of one operation; `to_engine` unless said otherwise, so that rules show and not the planner."""
    found = report(made, on, **({"to_engine": True} | options))
    return next(item for item in found.operations if item.name == name)
