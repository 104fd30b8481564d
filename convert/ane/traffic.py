"""What goes through memory besides the weights: inputs, outputs, and operands that wait too long to stay on chip."""

from dataclasses import dataclass
from typing import Any, Literal

from convert.ane.chips import Chip
from convert.ane.costs import table
from convert.ane.fusion import Group
from convert.ane.graph import Graph
from convert.program import Named, Program, Type


@dataclass(frozen=True)
class Edge:
    """An input or output of a call. `converted`: the CPU turns it into fp16 or back (float32 and 8-bit images)."""

    name: str
    way: Literal["input", "output"]
    bytes: float
    converted: bool
    ms: float


def edges(program: Program, graph: Graph, chip: Chip) -> list[Edge]:
    """Inputs and outputs of a function, states apart: these are read and written by operations."""
    described = _descriptions(program, graph.function.name)
    given = [named for named in graph.function.inputs if named.type.kind == "tensor"]
    return [_edge(named, "input", described, chip) for named in given] + [
        _edge(named, "output", described, chip) for named in graph.outputs
    ]


def row_padded(of: Type) -> float:
    """Bytes in fp16 with the last axis padded to 64 bytes: an axis of one number costs 32 times its size."""
    if not of.shape:
        return 2.0
    last = of.shape[-1] or 1
    step = table("memory")["row_bytes"] / 2
    return of.elements / last * -(-last // step) * step * 2


def spilled(graph: Graph, groups: list[Group]) -> list[float]:
    """For each group, bytes that it writes to memory for later groups or reads back.

    An operand of more than 2 MiB goes out when it waits for longer than three groups.
    """
    moved = [0.0] * len(groups)
    home = {line.index: group.index for group in groups for line in group.members}
    limits = table("memory")
    values = {named.name: named.type for line in graph.lines for named in line.writes}
    values |= {named.name: named.type for named in graph.function.inputs if named.type.kind == "tensor"}
    for name, of in values.items():
        if of.bytes <= limits["operand"]:
            continue
        made = home[graph.producer[name]] if name in graph.producer else -1
        late = {home[reader] for reader in graph.consumers.get(name, ())}
        late = {reader for reader in late if reader - made > limits["skip"]}
        for reader in late:
            moved[reader] += of.bytes
        if late and made >= 0:
            moved[made] += of.bytes
    return moved


def peak_activation_bytes(graph: Graph, groups: list[Group]) -> float:
    """The most that the operands and results alive at one moment take; what is fused into a group is never alive."""
    last_use: dict[str, int] = {}
    for group in groups:
        for line in group.members:
            last_use |= {read.name: group.index for read in line.reads}
    last_use |= {named.name: len(groups) for named in graph.outputs}
    alive = {named.name: named.type.bytes for named in graph.function.inputs}
    peak = sum(alive.values())
    for group in groups:
        alive |= {named.name: named.type.bytes for named in group.last.writes}
        peak = max(peak, sum(alive.values()))
        alive = {name: size for name, size in alive.items() if last_use.get(name, -1) > group.index}
    return peak


def _edge(named: Named, way: Literal["input", "output"], described: dict[str, Any], chip: Chip) -> Edge:
    converted = named.type.dtype == "fp32" or _is_8_bit_image(described.get(named.name))
    moved = row_padded(named.type)
    rate = chip.host if converted else chip.spill
    return Edge(named.name, way, moved, converted, moved / rate / 1e6)


def _is_8_bit_image(feature: Any) -> bool:
    """Grayscale fp16 is the only image that needs no conversion."""
    if feature is None or feature.type.WhichOneof("Type") != "imageType":
        return False
    return feature.type.imageType.colorSpace != feature.type.imageType.ColorSpace.Value("GRAYSCALE_FLOAT16")


def _descriptions(program: Program, function: str) -> dict[str, Any]:
    """The package's words about inputs and outputs, by name. Packages of several functions have them by function."""
    if program.spec is None:
        return {}
    description = program.spec.description
    for entry in description.functions:
        if entry.name == function:
            description = entry
    return {feature.name: feature for feature in (*description.input, *description.output)}
