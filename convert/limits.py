"""What Core ML refuses to load although it is a well-formed ML program: `limits.toml`, looked for in a package.

`refusals(program)` finds them without Core ML. What the rows are, and where they come from, stands in the table; how
each is found, here.
"""

import functools
import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from convert.features import Feature, features
from convert.package import CONSTANTS
from convert.program import Constant, Function, Named, Operation, Program, Type


@dataclass(frozen=True)
class Limit:
    """A row of the table. `most` is still allowed; `since` is the version of the specification that lifts it."""

    id: str
    text: str
    advice: str
    source: str
    most: int = 0
    since: int = 0


@dataclass(frozen=True)
class Refusal:
    """A limit that a package goes beyond, and what in it does: an operation, an input, a function."""

    id: str
    where: str
    text: str
    advice: str
    source: str

    def __str__(self) -> str:
        """One line, for people."""
        return f"Core ML will not load it: {self.where} {self.text} ({self.source})"

    def as_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return asdict(self)


@functools.cache
def limits() -> tuple[Limit, ...]:
    """All rows of the table."""
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["limit"]
    return tuple(Limit(**row) for row in rows)


def refusals(program: Program) -> tuple[Refusal, ...]:
    """Why Core ML would refuse a package: the functions' reasons, each once; empty when none is known."""
    views = [View(program, function) for function in program.functions.values()]
    found = {
        (limit.id, where): Refusal(limit.id, where, limit.text, limit.advice, limit.source)
        for limit in limits()
        if not limit.since or program.spec.specificationVersion < limit.since
        for view in views
        for where in CHECKS[limit.id](view, limit)
    }
    return tuple(found.values())


class View:
    """A function with what the package says about it, and with what its operands are."""

    def __init__(self, program: Program, function: Function) -> None:
        self.program, self.function = program, function
        description = program.description(function.name)
        self.inputs: tuple[Feature, ...] = features(description.input)
        self.outputs: tuple[Feature, ...] = features(description.output)
        self.operations: list[Operation] = list(function.block.walk())

    @property
    def states(self) -> list[Named]:
        """What the function remembers."""
        return [named for named in self.function.inputs if named.type.kind == "state"]

    @cached_property
    def types(self) -> Mapping[str, Type]:
        """By the name of a value."""
        given = [*self.function.inputs, *(o for step in self.operations for o in step.outputs)]
        return {named.name: named.type for named in given}

    @cached_property
    def constants(self) -> Mapping[str, Constant]:
        """By the name of a value."""
        return {
            step.outputs[0].name: step.attributes["val"] for step in self.operations if step.type == "const"
        }

    def of_type(self, *kinds: str) -> Iterator[Operation]:
        """The operations of these types."""
        return (step for step in self.operations if step.type in kinds)

    def operand(self, step: Operation, name: str) -> tuple[Type | None, Constant | None]:
        """The type of an operand, and the constant that it is, if it is one."""
        given = step.inputs.get(name, ())
        if len(given) != 1:
            return None, None
        (value,) = given
        if isinstance(value, Constant):
            return value.type, value
        return self.types.get(value), self.constants.get(value)


Check = Callable[[View, Limit], Iterator[str]]
#: Id of a limit → what finds the places that go beyond it.
CHECKS: dict[str, Check] = {}


def _check(limit: str) -> Callable[[Check], Check]:
    def enter(function: Check) -> Check:
        CHECKS[limit] = function
        return function

    return enter


def _named(step: Operation) -> str:
    return f"the operation {step.type} {step.name!r}"


def _input(feature: Feature) -> str:
    return f"the input {feature.name!r}"


def _inputs(several: Sequence[Feature]) -> str:
    return f"the inputs {' and '.join(repr(feature.name) for feature in several)}"


# Operations


def _extensions(view: View) -> Iterator[tuple[Operation, list[tuple[int, int]], Type]]:
    """Each padding by reflection or by its edge: (before, after) for the last axes, and what is padded."""
    for step in view.of_type("pad"):
        (of, _), (_, mode), (_, pad) = (view.operand(step, name) for name in ("x", "mode", "pad"))
        if of is not None and mode is not None and pad is not None and str(mode.value) != "constant":
            flat = [int(size) for size in pad.value.reshape(-1)]
            yield step, list(zip(flat[::2], flat[1::2], strict=True)), of


@_check("pad-axes")
def _pad_axes(view: View, limit: Limit) -> Iterator[str]:
    return (_named(step) for step, pairs, _ in _extensions(view) if any(map(any, pairs[:-2])))


@_check("pad-size")
def _pad_size(view: View, limit: Limit) -> Iterator[str]:
    for step, pairs, of in _extensions(view):
        edge = str(view.operand(step, "mode")[1].value) == "replicate"  # type: ignore[union-attr]
        sizes = of.shape[len(of.shape) - len(pairs) :]
        if any(size and max(pair) > size - (not edge) for size, pair in zip(sizes, pairs, strict=True)):
            yield _named(step)


@_check("rank")
def _rank(view: View, limit: Limit) -> Iterator[str]:
    for step in view.operations:
        if step.type in CONSTANTS:
            continue
        read = [view.types[name] for name in step.named_operands if name in view.types]
        if any(len(of.shape) > limit.most for of in [*read, *(output.type for output in step.outputs)]):
            yield _named(step)


@_check("list-rank")
def _list_rank(view: View, limit: Limit) -> Iterator[str]:
    for step in view.of_type("make_list"):
        if any(len(item.shape) > limit.most for output in step.outputs for item in output.type.items):
            yield _named(step)


@_check("integer-product")
def _integer_product(view: View, limit: Limit) -> Iterator[str]:
    for step in view.of_type("matmul", "linear"):
        factors = [view.operand(step, name) for name in ("x", "y", "weight")]
        if any("int" in of.dtype for of, _ in factors if of) and any(constant for _, constant in factors):
            yield _named(step)


@_check("gather-scalar")
def _gather_scalar(view: View, limit: Limit) -> Iterator[str]:
    for step in view.of_type("gather"):
        (of, _), (index, _) = (view.operand(step, name) for name in ("x", "indices"))
        if of is not None and index is not None and len(of.shape) > limit.most and not index.shape:
            yield _named(step)


# Inputs and outputs


@_check("no-input")
def _no_input(view: View, limit: Limit) -> Iterator[str]:
    if not view.inputs:
        yield f"the function {view.function.name!r}"


@_check("scalar-input")
def _scalar_input(view: View, limit: Limit) -> Iterator[str]:
    shapes = {named.name: named.type.shape for named in view.function.inputs if named.type.kind == "tensor"}
    return (_input(feature) for feature in view.inputs if shapes.get(feature.name) == ())


def _enumerated(view: View) -> list[Feature]:
    return [feature for feature in view.inputs if feature.shapes]


def _ranged(view: View) -> list[Feature]:
    return [feature for feature in view.inputs if feature.ranges]


@_check("enumerated-count")
def _enumerated_count(view: View, limit: Limit) -> Iterator[str]:
    return (_input(feature) for feature in _enumerated(view) if len(feature.shapes) > limit.most)


@_check("enumerated-several")
def _enumerated_several(view: View, limit: Limit) -> Iterator[str]:
    if len(several := _enumerated(view)) > 1:
        yield _inputs(several)


@_check("enumerated-unequal")
def _enumerated_unequal(view: View, limit: Limit) -> Iterator[str]:
    for one, other in itertools.pairwise(_enumerated(view)):
        if len(one.shapes) != len(other.shapes):
            yield _inputs([one, other])


@_check("enumerated-and-range")
def _enumerated_and_range(view: View, limit: Limit) -> Iterator[str]:
    listed, ranged = _enumerated(view), _ranged(view)
    if listed and ranged:
        yield _inputs([*listed, *ranged])


@_check("endless-range")
def _endless_range(view: View, limit: Limit) -> Iterator[str]:
    return (_input(feature) for feature in _ranged(view) if any(high is None for _, high in feature.ranges))


@_check("empty-range")
def _empty_range(view: View, limit: Limit) -> Iterator[str]:
    for feature in _ranged(view):
        if any(high is not None and low > high for low, high in feature.ranges):
            yield _input(feature)


@_check("default-outside")
def _default_outside(view: View, limit: Limit) -> Iterator[str]:
    for feature in view.inputs:
        if feature.shape and (
            (feature.shapes and feature.shape not in feature.shapes)
            or (feature.ranges and not feature.within(feature.shape))
        ):
            yield _input(feature)


@_check("half-array")
def _half_array(view: View, limit: Limit) -> Iterator[str]:
    for kind, several in (("input", view.inputs), ("output", view.outputs)):
        for feature in several:
            if feature.dtype == "float16" or feature.color == "GRAYSCALE_FLOAT16":
                yield f"the {kind} {feature.name!r}"


# States and functions


@_check("state-and-range")
def _state_and_range(view: View, limit: Limit) -> Iterator[str]:
    fixed = [feature for feature in view.inputs if not feature.ranges]
    if view.states and fixed and _ranged(view):
        yield _inputs([*fixed, *_ranged(view)])


def _state(named: Named) -> str:
    return f"the state {named.name!r}"


@_check("state-flexible")
def _state_flexible(view: View, limit: Limit) -> Iterator[str]:
    return (_state(named) for named in view.states if None in named.type.shape)


@_check("state-type")
def _state_type(view: View, limit: Limit) -> Iterator[str]:
    return (_state(named) for named in view.states if named.type.dtype != "fp16")


@_check("state-target")
def _state_target(view: View, limit: Limit) -> Iterator[str]:
    return (_state(named) for named in view.states)


@_check("functions-target")
def _functions_target(view: View, limit: Limit) -> Iterator[str]:
    if view.program.spec.description.functions:
        yield "the package"


@_check("default-function")
def _default_function(view: View, limit: Limit) -> Iterator[str]:
    description = view.program.spec.description
    if description.functions and description.defaultFunctionName not in view.program.functions:
        yield "the package"
