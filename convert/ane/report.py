"""What an inspection finds, as values: operations, functions, and the keys of `inspect --json`."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from convert.ane.chips import Chip
from convert.ane.rules import Unit
from convert.ane.sources import named_in
from convert.ane.traffic import Edge
from convert.limits import Refusal

#: Operations that a piece of advice names; the others are counted.
_NAMED = 2


@dataclass(frozen=True)
class OperationReport:
    """A line. `ms`, `low` and `high` are predicted; `bound` says what the time goes into; `step` is its group."""

    index: int
    step: int
    name: str
    type: str
    shape: tuple[int | None, ...]
    macs: int
    bytes: float
    unit: Unit
    rule: str
    why: str
    source: str
    family: str
    ms: float
    low: float
    high: float
    bound: str
    #: The name of its first result, by which Core ML's plan knows it.
    result: str = ""
    advice: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "type": self.type,
            "shape": list(self.shape),
            "gmac": self.macs / 1e9,
            "bytes": self.bytes,
            "unit": self.unit,
            "rule": self.rule,
            "why": self.why,
            "source": self.source,
            "family": self.family,
            "ms": self.ms,
            "ms_low": self.low,
            "ms_high": self.high,
            "bound": self.bound,
            "step": self.step,
            "result": self.result,
        }


@dataclass(frozen=True)
class Advice:
    """What to do about costly lines: names of operations, the costliest first, what they take together."""

    operations: tuple[str, ...]
    types: tuple[str, ...]
    ms: float
    share: float
    text: str

    @property
    def about(self) -> str:
        """`conv_0, conv_1 and 18 more (conv)`."""
        named, rest = self.operations[:_NAMED], len(self.operations) - _NAMED
        return f"{', '.join(named)}{f' and {rest} more' if rest > 0 else ''} ({', '.join(self.types)})"

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "operations": list(self.operations),
            "types": list(self.types),
            "ms": self.ms,
            "share": self.share,
            "text": self.text,
        }


@dataclass(frozen=True)
class FunctionReport:
    """A function on a chip. Latencies are predicted, in ms, of one call."""

    name: str
    opset: str
    frame: str
    latency: float
    low: float
    high: float
    weights_bytes: float
    peak_activation_bytes: float
    segments: int
    operations: tuple[OperationReport, ...]
    edges: tuple[Edge, ...]
    #: What a call costs besides operations, inputs and outputs: its floor, and switches beyond the first segment.
    floor: float
    switching: float
    #: Whether convolutions compute with weights and activations of 8 bits.
    int8: bool = False
    advice: tuple[Advice, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def fps(self) -> float:
        """Calls a second, one after the other."""
        return 1e3 / self.latency

    @property
    def macs(self) -> int:
        """Of one call; loops count once."""
        return sum(operation.macs for operation in self.operations)

    @property
    def ane_share(self) -> float:
        """Share of the operations' predicted time that is spent on the Neural Engine."""
        whole = sum(operation.ms for operation in self.operations)
        return (
            sum(operation.ms for operation in self.operations if operation.unit == "ANE") / whole
            if whole
            else 0.0
        )

    @property
    def switches(self) -> int:
        """How often the unit changes from operation to operation."""
        return sum(one.unit != other.unit for one, other in itertools.pairwise(self.operations))

    def costliest(self, count: int | None) -> list[OperationReport]:
        """The lines that take longest."""
        return sorted(self.operations, key=lambda operation: -operation.ms)[:count]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the keys of DESIGN.md and more."""
        return {
            "name": self.name,
            "frame": self.frame,
            "kind": "predicted",
            "latency_ms": self.latency,
            "latency_ms_low": self.low,
            "latency_ms_high": self.high,
            "fps": self.fps,
            "fps_low": 1e3 / self.high,
            "fps_high": 1e3 / self.low,
            "gmac": self.macs / 1e9,
            "weights_mib": self.weights_bytes / 2**20,
            "peak_activation_mib": self.peak_activation_bytes / 2**20,
            "ane_share": self.ane_share,
            "switches": self.switches,
            "overheads": {"call_ms": self.floor, "switching_ms": self.switching},
            "edges": [
                {
                    "name": edge.name,
                    "way": edge.way,
                    "bytes": edge.bytes,
                    "converted": edge.converted,
                    "ms": edge.ms,
                }
                for edge in self.edges
            ],
            "ops": [operation.as_dict() for operation in self.operations],
            "advice": [advice.as_dict() for advice in self.advice],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Inspection:
    """A package on a chip."""

    package: str
    chip: Chip
    default: str
    functions: tuple[FunctionReport, ...] = field(default_factory=tuple)
    #: Why Core ML would not load the package, whatever the chip.
    refusals: tuple[Refusal, ...] = ()

    @property
    def main(self) -> FunctionReport:
        """The default function, or the only one looked at."""
        return next((item for item in self.functions if item.name == self.default), self.functions[0])

    @property
    def sources(self) -> dict[str, str]:
        """Where rules and figures come from: names and addresses."""
        lines = (line.source for function in self.functions for line in function.operations)
        return named_in([self.chip.note, *lines])

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the keys of DESIGN.md and more."""
        return {
            "kind": "predicted",
            "package": self.package,
            "chip": self.chip.id,
            "chip_name": self.chip.name,
            "chip_measured": self.chip.measured,
            "chip_source": self.chip.note,
            "default_function": self.default,
            "refusals": [refusal.as_dict() for refusal in self.refusals],
            "functions": [function.as_dict() for function in self.functions],
            "sources": self.sources,
        }
