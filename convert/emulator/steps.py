"""What a function is compiled to: steps that read and write the places of its values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from convert.program import Operation

#: The values of a running function, each in its place.
Values = list[Any]
#: What a step's operation gives for each output.
Run = Callable[[Values], Sequence[Any]]
Watch = Callable[[Operation, str, Tensor], None]


@dataclass(frozen=True)
class Step:
    """One operation. `run` gives a result for each output; `free` are the places that nobody reads later."""

    operation: Operation
    run: Run
    reads: tuple[int, ...]
    outputs: tuple[int, ...]
    free: tuple[int, ...] = ()


@dataclass(frozen=True)
class Compiled:
    """A block's steps and the places of its inputs and outputs."""

    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def run(self, values: Values, watch: Watch | None = None) -> None:
        """Runs the steps on `values`, which is changed."""
        for step in self.steps:
            results = step.run(values)
            for place, result in zip(step.outputs, results, strict=False):
                values[place] = result
            if watch is not None:
                for output, result in zip(step.operation.outputs, results, strict=False):
                    if isinstance(result, Tensor):
                        watch(step.operation, output.name, result)
            for place in step.free:
                values[place] = None
