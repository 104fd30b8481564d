"""What Core ML refuses is found without it: one package for each row of the table, and none for the toolkit's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convert.limits import CHECKS, limits, refusals
from convert.program import Block, Function, Named, Program, Type
from convert.quiet import quiet
from tests.ane.programs import constant, operation, tensor

with quiet():
    from coremltools.proto.FeatureTypes_pb2 import ArrayFeatureType
    from coremltools.proto.Model_pb2 import FeatureDescription, Model

IOS15, IOS17, IOS18 = 6, 8, 9
X = tensor(1, 3, 8, 12)


def array(name, shape=(1, 3, 8, 12), *, shapes=(), ranges=(), dtype=ArrayFeatureType.FLOAT16):
    """An input or output as a package describes it."""
    feature = FeatureDescription(name=name)
    of = feature.type.multiArrayType
    of.dataType = dtype
    of.shape.extend(shape)
    for each in shapes:
        of.enumeratedShapes.shapes.add().shape.extend(each)
    for low, high in ranges:
        of.shapeRange.sizeRanges.add(lowerBound=low, upperBound=high)
    return feature


def package(operations=(), inputs=None, *, given=None, states=(), version=IOS18) -> Program:
    """A program of `operations` on `x`; `inputs` as described, `given` as typed in the program."""
    spec = Model(specificationVersion=version)
    spec.description.input.extend([array("x")] if inputs is None else inputs)
    typed = {"x": X} if given is None else given
    names = [Named(name, of) for name, of in typed.items()] + list(states)
    function = Function("main", "CoreML8", tuple(names), Block((), (), tuple(operations)))
    return Program(Path("made"), spec, {"main": function}, "main")


def padding(sizes, mode="reflect", of=X):
    inputs = {"x": "x", "pad": constant(sizes), "mode": constant(np.str_(mode), "string")}
    return package([operation("pad", "p", inputs, of)], given={"x": of})


def state(dtype="fp16", shape=(1, 8)):
    return Named("memory", Type("state", dtype, shape))


def gathering(of):
    index = {"x": "x", "indices": constant(1), "axis": constant(0)}
    return package([operation("gather", "g", index, X)], given={"x": of})


def multiplying(y):
    inputs = {"x": "x", "y": y}
    return package([operation("matmul", "m", inputs, X)], given={"x": tensor(3, 3, dtype="int32")})


def two_functions(default="one", version=IOS18):
    made = package(version=version)
    one = replace(made.functions["main"], name="one")
    made.spec.description.ClearField("input")
    made.spec.description.functions.add(name="one").input.extend([array("x")])
    made.spec.description.defaultFunctionName = default
    return Program(made.path, made.spec, {"one": one}, "one")


SMALL, LARGE = (1, 3, 8, 12), (1, 3, 16, 24)
OPEN = [(1, 1), (3, 3), (8, 64), (8, 64)]
LISTED = array("x", shapes=(SMALL, LARGE))
RANGED = array("y", ranges=OPEN)
REFUSED = {
    "pad-axes": padding([0, 0, 1, 1, 1, 1, 1, 1]),
    "pad-size": padding([8, 0, 0, 0]),
    "rank": package([operation("reshape", "r", {"x": "x"}, tensor(1, 3, 2, 4, 3, 4))]),
    "list-rank": package(
        [operation("make_list", "l", {}, Type("list", items=(tensor(1, 1, 1, 1, 1),)))],
    ),
    "integer-product": multiplying(constant(np.ones((3, 3), np.int32))),
    "gather-scalar": gathering(tensor(2, 1, 3, 4, 4)),
    "no-input": package(inputs=[], given={}),
    "scalar-input": package(inputs=[array("x", (1,))], given={"x": tensor()}),
    "enumerated-count": package(inputs=[array("x", (1, 1), shapes=[(1, n + 1) for n in range(129)])]),
    "enumerated-several": package(inputs=[LISTED, array("y", shapes=(SMALL, LARGE))], version=IOS17),
    "enumerated-unequal": package(inputs=[LISTED, array("y", shapes=(SMALL, LARGE, (1, 3, 4, 4)))]),
    "enumerated-and-range": package(inputs=[LISTED, RANGED]),
    "endless-range": package(inputs=[array("x", ranges=[*OPEN[:3], (8, -1)])]),
    "empty-range": package(inputs=[array("x", (), ranges=[*OPEN[:3], (9, 8)])]),
    "default-outside": package(inputs=[array("x", (1, 3, 7, 12), ranges=OPEN)]),
    "half-array": package(version=IOS15),
    "state-and-range": package(inputs=[array("x"), RANGED], states=[state()]),
    "state-flexible": package(states=[state(shape=(1, None))]),
    "state-type": package(states=[state("fp32")]),
    "state-target": package(states=[state()], version=IOS17),
    "functions-target": two_functions(version=IOS17),
    "default-function": two_functions("two"),
}
LOADS = {
    "padding of the last two axes": padding([0, 0, 0, 0, 1, 1, 1, 1]),
    "padding by an edge as far as the axis is long": padding([8, 0, 0, 0], "replicate"),
    "constants around every axis": padding([1, 1, 1, 1, 1, 1, 9, 9], "constant"),
    "an index with axes": gathering(tensor(1, 3, 4, 4)),
    "two lists as long": package(inputs=[LISTED, array("y", shapes=(SMALL, SMALL))]),
    "a list and a fixed input": package(inputs=[LISTED, array("y")], states=[state()]),
    "two ranges": package(inputs=[array("x", ranges=OPEN), RANGED]),
    "a range and a fixed input": package(inputs=[array("x"), RANGED]),
    "a state": package(states=[state()]),
    "functions": two_functions(),
    "products of floats": package([operation("matmul", "m", {"x": "x", "y": "x"}, X)]),
}


@pytest.mark.parametrize("limit", [limit.id for limit in limits()])
def test_what_core_ml_refuses_is_named(limit):
    (found,) = refusals(REFUSED[limit])
    assert found.id == limit
    assert found.where.split()[0] == "the"
    assert found.advice
    assert found.source in str(found)


@pytest.mark.parametrize("name", LOADS)
def test_what_it_loads_passes(name):
    assert refusals(LOADS[name]) == ()


def test_every_limit_has_its_check():
    assert [limit.id for limit in limits()] == list(CHECKS)


def test_each_place_is_named_once_for_all_functions():
    made = two_functions(version=IOS17)
    again = replace(made.functions["one"], name="again")
    made.spec.description.functions.add(name="again").input.extend([array("x")])
    both = replace(made, functions={**made.functions, "again": again})
    assert [refusal.id for refusal in refusals(both)] == ["functions-target"]
