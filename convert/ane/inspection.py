"""From a package to a prediction: lines, rules, groups, costs, placement, interval."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from convert.ane import counting
from convert.ane.advice import advise, notes_on
from convert.ane.chips import Chip
from convert.ane.conditions import Place
from convert.ane.cost import Cost, family, floor_ms, on_cpu, on_engine, prefetched
from convert.ane.costs import Family, families
from convert.ane.flexible import at_shape, frame_of, in_order
from convert.ane.fusion import Group, groups
from convert.ane.graph import Graph, graph
from convert.ane.placement import Choice, Placement, extra_ms, place
from convert.ane.report import FunctionReport, Inspection, OperationReport
from convert.ane.rules import Rule, rule_for
from convert.ane.traffic import Edge, edges, peak_activation_bytes, spilled
from convert.limits import refusals
from convert.package import damage_explained
from convert.program import Program, read_program


@dataclass(frozen=True)
class Step:
    """A group with its rule, its cost on either unit, and the unit that was chosen."""

    group: Group
    rule: Rule
    engine: Cost
    cpu: Cost
    unit: str = "CPU"

    @property
    def cost(self) -> Cost:
        """On the chosen unit."""
        return self.engine if self.unit == "ANE" else self.cpu


def inspect(
    package: Path | str,
    chips: Iterable[Chip],
    *,
    function: str | None = None,
    shape: str | None = None,
) -> list[Inspection]:
    """A package on each of the chips. `function`: that one alone; `shape`: the frame size, such as 720p.

    Raises `VaderError` for what is no ML program, and `UsageError` for a function or a shape it does not have.
    """
    with damage_explained(Path(package)):
        whole = read_program(package)
        refused = refusals(whole)
        program, default, flexible = at_shape(whole, function, shape)
        names = [default] if function or shape else in_order(program)
        graphs = {name: graph(program.function(name)) for name in names}
        return [
            Inspection(
                str(package),
                chip,
                default,
                tuple(predict(program, graphs[name], chip, flexible=flexible) for name in names),
                refused,
            )
            for chip in chips
        ]


def predict(
    program: Program,
    of: Graph,
    chip: Chip,
    *,
    to_engine: bool = False,
    host: bool | None = None,
    flexible: bool = False,
) -> FunctionReport:
    """A function on a chip. `to_engine` places on the engine whatever can run there; `host` says whether the CPU
    converts inputs and outputs, which is otherwise read from the package.
    """
    steps, placement = _placed(of, chip, to_engine)
    moved = edges(program, of, chip)
    if host is not None:
        rate = chip.host * 1e6 if host else math.inf
        moved = [replace(edge, converted=host, ms=edge.bytes / rate) for edge in moved]
    switching = extra_ms(placement)
    floor = floor_ms(sum(step.engine.total for step in steps if step.unit == "ANE"), chip)
    latency, low, high = _interval(steps, moved, chip, floor + switching)
    operations = _operations(of, steps)
    report = FunctionReport(
        name=of.function.name,
        opset=of.function.opset,
        frame=frame_of(of.function),
        latency=latency,
        low=low,
        high=high,
        weights_bytes=of.weight_bytes,
        peak_activation_bytes=peak_activation_bytes(of, [step.group for step in steps]),
        segments=placement.segments,
        operations=operations,
        edges=tuple(moved),
        floor=floor,
        switching=switching,
        int8=any(step.group.int8 for step in steps),
    )
    return replace(report, advice=advise(report), notes=notes_on(report, flexible))


def _placed(of: Graph, chip: Chip, to_engine: bool) -> tuple[list[Step], Placement]:
    found = groups(of)
    moved = spilled(of, found)
    where = Place(of, chip)
    engine = prefetched([on_engine(group, chip, out) for group, out in zip(found, moved, strict=True)], chip)
    steps = [
        Step(group, rule_for(group.head, where), cost, on_cpu(group))
        for group, cost in zip(found, engine, strict=True)
    ]
    # The planner knows of no operand that waits in memory: it compares an operation's own time.
    choices = [
        Choice(
            step.engine.total - step.engine.spill if step.rule.unit == "ANE" else math.inf,
            step.cpu.total,
            movable=step.rule.id != "edge-cast",
        )
        for step in steps
    ]
    placement = place(choices, to_engine=to_engine)
    return [replace(step, unit=unit) for step, unit in zip(steps, placement.places, strict=True)], placement


def _interval(steps: list[Step], moved: list[Edge], chip: Chip, call: float) -> tuple[float, float, float]:
    """The latency and its bounds: each part is off by as much as its family is, all in the same direction."""
    known = families()
    parts = [(call, known["call"]), (sum(edge.ms for edge in moved), known["transfer"])]
    parts += [(step.cost.total, _family(step)) for step in steps]
    latency = sum(ms for ms, _ in parts)
    low = sum(ms * kind.low for ms, kind in parts) / chip.spread
    high = sum(ms * kind.high for ms, kind in parts) * chip.spread
    return latency, low, high


def _family(step: Step) -> Family:
    return families()["cpu"] if step.unit == "CPU" else family(step.group.head)


def _operations(of: Graph, steps: list[Step]) -> tuple[OperationReport, ...]:
    """A report for each line, in the order in which they run: what the CPU converts at the edge comes first and last,
    wherever the file has it.
    """
    given = {named.name for named in of.function.inputs}
    placed = []
    for step in steps:
        head = step.group.head
        at = 0
        if step.rule.id == "edge-cast":
            at = -1 if any(read.name in given for read in head.reads) else 1
        placed += [(at, report.index, report) for report in _of_step(step)]
    return tuple(report for _, _, report in sorted(placed, key=lambda item: item[:2]))


def _of_step(step: Step) -> list[OperationReport]:
    """The head carries the group's time; the others are free."""
    kind, head = _family(step), step.group.head
    reports = []
    for line in step.group.members:
        first = line is head
        rule, why, source = (step.rule.id, step.rule.text, step.rule.source)
        if not first:
            rule, why, source = "fused", f"fused into {head.name}", "751K study: measured"
        elif step.unit == "CPU" and step.rule.unit == "ANE":
            rule, source = "planner", "751K study: the costs of Core ML's planner"
            why = "could run on the engine, but the way there costs more than it saves"
        ms = step.cost.total if first else 0.0
        reports.append(
            OperationReport(
                index=line.index,
                step=step.group.index,
                name=line.name,
                type=line.type,
                shape=line.result.shape,
                macs=counting.macs(line),
                bytes=counting.bytes_read(line) + counting.bytes_written(line) + line.stored,
                unit="ANE" if step.unit == "ANE" else "CPU",
                rule=rule,
                why=why,
                source=source,
                family=kind.id,
                ms=ms,
                low=ms * kind.low,
                high=ms * kind.high,
                bound=step.cost.bound if first else "free",
                result=line.writes[0].name if line.writes else "",
                advice=step.rule.advice if first else "",
            )
        )
    return reports
