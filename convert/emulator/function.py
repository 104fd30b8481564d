"""A function of a package as a list of steps: constants decoded, names resolved to places, dead values let go."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from convert.emulator import ops  # noqa: F401 - fills the table
from convert.emulator.control_flow import compile_blocks
from convert.emulator.registry import OPERATIONS, TORCH, Implementation, Kind, held, to_tensor
from convert.emulator.rounding import Flags, round_, rounded
from convert.emulator.steps import Compiled, Step, Values, Watch
from convert.program import Block, Constant, Function, Operation, Type
from mlx_vader.errors import VaderError

Settle = Callable[[Any, Sequence[Any]], Any]

#: What is learned. Other constants may hold an infinity on purpose, as masks of attention do.
_WEIGHTS = frozenset({"weight", "bias", "gamma", "beta", "mean", "variance"})
#: Text that only tells what an operation is called.
_IGNORED = frozenset({"name"})


class Compiler:
    """Turns a function into steps. `constants` are the values that are known before it runs, by place."""

    def __init__(self, function: Function, package: object, flags: Flags, *, half: bool) -> None:
        """`half`: results of half precision are rounded. Raises `VaderError` for what it does not know."""
        self.opset, self.package = function.opset, package
        self.half = half
        self.flags = flags
        self.places: dict[str, int] = {}
        self.types: dict[int, Type] = {}
        self.constants: dict[int, Any] = {}
        #: What a running loop's or branch's steps show to whoever watches.
        self.watch: Watch | None = None
        for entry in function.inputs:
            self._place(entry.name, entry.type)
        self.main = self.block(function.block)

    def values(self) -> Values:
        """Fresh values, with the constants in their places."""
        values: Values = [None] * len(self.types)
        for place, constant in self.constants.items():
            values[place] = constant
        return values

    def block(self, block: Block) -> Compiled:
        """A block and those within it."""
        inputs = tuple(self._place(entry.name, entry.type) for entry in block.inputs)
        first = len(self.types)
        steps = [step for operation in block.operations if (step := self._step(operation))]
        outputs = tuple(self.places[name] for name in block.outputs)
        return Compiled(
            _with_ends(steps, {*range(first, len(self.types)), *inputs}, outputs), inputs, outputs
        )

    def _place(self, name: str, of: Type) -> int:
        place = len(self.types)
        self.places[name] = place
        self.types[place] = of
        return place

    def _step(self, operation: Operation) -> Step | None:
        """The step of an operation; None when its result is known already, as a constant."""
        if operation.type == "const":
            (output,) = operation.outputs
            self.constants[self._place(output.name, output.type)] = to_tensor(
                operation.attributes["val"].value
            )
            return None
        if operation.blocks:
            run, reads = compile_blocks(self, operation)
        else:
            run, reads = self._bound(operation)
        outputs = tuple(self._place(output.name, output.type) for output in operation.outputs)
        if outputs and not operation.blocks and reads <= self.constants.keys():
            known = run([])
            self.constants.update(zip(outputs, known, strict=False))
            return None
        return Step(operation, run, tuple(reads - self.constants.keys()), outputs)

    def operand(self, operand: str | Constant) -> "int | _Known":
        """The place of a value, or the value itself."""
        if isinstance(operand, str):
            place = self.places[operand]
            return _Known(self.constants[place]) if place in self.constants else place
        return _Known(to_tensor(operand.value))

    def _bound(self, operation: Operation) -> tuple[Callable[[Values], Sequence[Any]], set[int]]:
        """What runs an operation, and the places that it reads."""
        implementation = self._implementation(operation)
        known, sources = self._arguments(operation, implementation)
        reads = {place for places in sources.values() for place in places if isinstance(place, int)}
        endless = [x for x in known.values() if isinstance(x, Tensor) and not x.isfinite().all()]
        settles = [
            self._settle(operation, output.type, implementation.kind, reads, endless)
            for output in operation.outputs
        ]
        call = _caller(operation, implementation, known, sources)
        return _runner(call, settles, tuple(reads)), reads

    def _implementation(self, operation: Operation) -> Implementation:
        implementation = OPERATIONS.get(operation.type)
        if implementation is None:
            raise VaderError(
                f"the emulator has no operation {operation.type} ({self.opset}), which {self.package} uses in "
                f"{operation.name!r}",
                hint="Core ML on a Mac runs it; please report the operation",
            )
        return implementation

    def _arguments(
        self, operation: Operation, implementation: Implementation
    ) -> tuple[dict[str, Any], dict[str, list["int | _Known"]]]:
        """Inputs that are known, as the function wants them, and the operands of those that are not."""
        known: dict[str, Any] = {}
        unknown: dict[str, list[int | _Known]] = {}
        attributes = {name: (value,) for name, value in operation.attributes.items() if name not in _IGNORED}
        for name, operands in {**attributes, **operation.inputs}.items():
            if name not in implementation.readers:
                raise VaderError(
                    f"the emulator does not know the input {name!r} of {operation.type} ({self.opset}), which "
                    f"{self.package} uses in {operation.name!r}",
                    hint="Core ML on a Mac runs it; please report the operation",
                )
            sources = [self.operand(operand) for operand in operands]
            constants = [source.value for source in sources if isinstance(source, _Known)]
            if len(constants) == len(sources):
                value = constants[0] if len(constants) == 1 else constants
                known[name] = implementation.readers[name](value)
                if name in _WEIGHTS:
                    self._check_finite(name, known[name], operation)
            else:
                unknown[name] = sources
        return known, unknown

    def _check_finite(self, name: str, value: Any, operation: Operation) -> None:
        """Raises `VaderError` for weights that are not finite: nothing can be computed with them."""
        if isinstance(value, Tensor) and not value.isfinite().all():
            raise VaderError(
                f"{self.package} holds a {name} that is not finite, of {operation.type} {operation.name!r}",
                hint="its training diverged, or half precision does not hold it: convert another checkpoint",
            )

    def _settle(
        self, operation: Operation, of: Type, kind: Kind, reads: Iterable[int], endless: Sequence[Tensor]
    ) -> Settle | None:
        """What makes an output of an operation's result: its type, and its rounding.

        `endless` are the constants with an inf, as in masks: an inf in the result is then theirs.
        """
        if of.kind != "tensor" or of.dtype == "string" or operation.type == "classify":
            return None
        if of.dtype != "fp16" or not self.half:
            return lambda x, inputs: held(x, of.dtype)
        dtype = TORCH[of.dtype]
        half = all(self.types[place].dtype == "fp16" for place in reads)
        if kind is Kind.MOVES:
            return None if half else lambda x, inputs: x.to(dtype)
        # In place, unless the result may be an input that is not of half precision.
        to_half = round_ if half else rounded
        if kind is Kind.BOUNDED:
            return lambda x, inputs: to_half(x)
        check = self.flags.check

        def settle(x: Any, inputs: Sequence[Any]) -> Any:
            x = x.to(dtype)
            check(operation.type, operation.name, x, [*inputs, *endless])
            return to_half(x)

        return settle


@dataclass(frozen=True)
class _Known:
    value: Any


def _caller(
    operation: Operation,
    implementation: Implementation,
    known: dict[str, Any],
    sources: Mapping[str, Sequence[int | _Known]],
) -> Callable[[Values], Any]:
    """What calls an operation's function with the values in their places."""
    missing = implementation.required - known.keys() - sources.keys()
    if missing:
        raise VaderError(
            f"the operation {operation.type} {operation.name!r} lacks {', '.join(sorted(missing))}",
            hint="the package is damaged: convert it again",
        )
    function, readers = implementation.function, implementation.readers
    single = [(name, items[0], readers[name]) for name, items in sources.items() if len(items) == 1]
    several = [(name, items, readers[name]) for name, items in sources.items() if len(items) > 1]

    def call(values: Values) -> Any:
        given = {name: read(values[place]) for name, place, read in single}  # type: ignore[index]
        for name, items, read in several:
            given[name] = read([item.value if isinstance(item, _Known) else values[item] for item in items])
        try:
            return function(**known, **given)
        except (RuntimeError, ValueError, IndexError, TypeError, KeyError, AssertionError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise VaderError(
                f"the operation {operation.type} {operation.name!r} failed: {reason}",
                hint="are the inputs of shapes that the package takes?",
            ) from error

    return call


def _runner(
    call: Callable[[Values], Any], settles: Sequence[Settle | None], reads: Sequence[int]
) -> Callable[[Values], Sequence[Any]]:
    """What calls an operation and settles its results."""
    if len(settles) == 1:
        (settle,) = settles
        if settle is None:
            return lambda values: (_first(call(values)),)
        return lambda values: (settle(_first(call(values)), [values[place] for place in reads]),)

    def run(values: Values) -> Sequence[Any]:
        results, inputs = call(values), [values[place] for place in reads]
        return [
            result if settle is None else settle(result, inputs)
            for settle, result in zip(settles, results, strict=False)
        ]

    return run


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result


def _with_ends(steps: list[Step], own: set[int], outputs: Sequence[int]) -> tuple[Step, ...]:
    """The steps, each with the block's own places that it is the last to read or that nobody reads."""
    alive = set(outputs)
    done: list[Step] = []
    for step in reversed(steps):
        touched = {*step.reads, *step.outputs}
        done.append(replace(step, free=tuple(touched & own - alive)))
        alive |= touched
    return tuple(reversed(done))
