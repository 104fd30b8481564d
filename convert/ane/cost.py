"""The cost model: what a group of operations is predicted to take on the Neural Engine and on the CPU, in ms.

On the engine the arithmetic, the traffic between operations and the stream of weights overlap; the slowest of them
counts, and then what goes out to memory and back, and a fixed time for each operation. docs/inspect.md has the
formulas, their sources and their errors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from convert.ane import counting
from convert.ane.chips import Chip
from convert.ane.costs import Family, efficiency, families, family_of, padded, table
from convert.ane.fusion import Group
from convert.ane.graph import Line

_TERA, _GIGA, _MS = 1e12, 1e9, 1e3


@dataclass(frozen=True)
class Cost:
    """Parts of a prediction, in ms. The first three overlap."""

    compute: float = 0.0
    traffic: float = 0.0
    weights: float = 0.0
    spill: float = 0.0
    overhead: float = 0.0

    @property
    def total(self) -> float:
        """The slowest of what overlaps, and the rest."""
        return max(self.compute, self.traffic, self.weights) + self.spill + self.overhead

    @property
    def bound(self) -> str:
        """What the time goes into: compute, traffic, weights, spill or overhead."""
        parts = ("compute", "traffic", "weights", "spill", "overhead")
        return max(parts, key=lambda name: getattr(self, name)) if self.total else "free"


def family(line: Line) -> Family:
    """What a line is counted as."""
    shape = counting.kernel(line)
    if shape is None:
        return family_of(line.type)
    if shape.depthwise:
        return families()["depthwise"]
    dense = line.type == "conv" and shape.groups == 1 and max(shape.dilations, default=1) == 1
    if dense and len(line.result.shape) > 2 and line.result.shape[-2] == 1:
        return families()["thin"]
    return families()["dense" if dense else "grouped"]


def on_engine(group: Group, chip: Chip, spilled: float = 0.0) -> Cost:
    """On the Neural Engine of a chip. `spilled`: bytes that go out to memory or come back for this group."""
    head, kind = group.head, family(group.head)
    if kind.free or counting.joins_channels(head):
        return Cost(spill=_ms(spilled, chip.spill))
    moved = counting.bytes_read(head) + counting.bytes_written(group.last)
    if kind.id == "state":
        # Read from memory or written to it; between operations a state is an activation like any other.
        return Cost(spill=_ms(head.result.bytes or moved, chip.spill), overhead=_overhead())
    stored = sum(line.stored for line in group.members)
    return Cost(
        compute=_compute(group, chip),
        traffic=0.0 if _resident(kind, moved) else _ms(moved, chip.on_chip * kind.traffic),
        weights=_ms(stored * _rewritten(head), chip.weights),
        spill=_ms(spilled, chip.spill),
        overhead=_overhead(),
    )


def prefetched(costs: Sequence[Cost], chip: Chip) -> list[Cost]:
    """Costs of groups that run one after the other: weights stream ahead while earlier groups are busy, as far as
    there is room for them on chip.
    """
    room, ahead, found = _ms(table("memory")["resident"], chip.weights), 0.0, []
    for cost in costs:
        waiting = max(cost.weights - ahead, 0.0)
        idle = max(cost.compute, cost.traffic, waiting) - waiting
        ahead = min(max(ahead - cost.weights, 0.0) + idle, room)
        found.append(replace(cost, weights=waiting))
    return found


def floor_ms(busy: float, chip: Chip) -> float:
    """What a call costs besides its work, of which the engine does `busy` ms: the CPU that waits for longer has fallen
    asleep more deeply, and takes longer to return.
    """
    rates = table("overhead")
    asleep = (busy - rates["short_ms"]) / (rates["long_ms"] - rates["short_ms"])
    return chip.floor + chip.waiting * min(max(asleep, 0.0), 1.0)


def on_cpu(group: Group) -> Cost:
    """On the CPU, at the rates of Apple's own planner for M4; other chips borrow them."""
    rates = table("cpu")
    compute = traffic = weights = overhead = 0.0
    for line in group.members:
        kind, shape = family(line), counting.kernel(line)
        if kind.free:
            continue
        weights += _ms(line.stored, rates["gb_s"])
        traffic += _ms(counting.bytes_read(line) + counting.bytes_written(line), rates["gb_s"] * kind.traffic)
        overhead += rates["operation_us"] / 1e3
        if shape and shape.depthwise:
            compute += rates["depthwise_us"] / 1e3 * _depthwise_units(line, shape)
        else:
            pointwise = shape is None or shape.taps == 1
            rate = rates["pointwise_gmac_s" if pointwise else "spatial_gmac_s"]
            compute += counting.macs(line) / (rate * _GIGA) * _MS
    return Cost(compute=compute, traffic=traffic, weights=weights, overhead=overhead)


def padded_macs(line: Line) -> float:
    """Multiply-accumulates as the engine does them: the channels out of each group padded to multiples of 16, which
    lie side by side, and those into it to multiples of 4, which are summed one after the other.
    """
    shape = counting.kernel(line)
    if shape is None:
        return counting.macs(line)
    channels = padded(shape.into, "input_step") * padded(shape.out) * shape.groups
    return float(shape.positions * shape.taps * channels) * _rewritten(line)


def _resident(kind: Family, moved: float) -> bool:
    """Whether a convolution finds its operands on chip and leaves its result there. What feeding the array then costs
    is in its efficiency, which was measured on chains of such convolutions: those of 32 channels in the 751K study move
    450 GB/s.
    """
    return kind.id in ("dense", "grouped") and moved <= table("memory")["operand"]


def _compute(group: Group, chip: Chip) -> float:
    line, shape = group.head, counting.kernel(group.head)
    peak = chip.peak * (chip.int8_speedup if group.int8 else 1.0) * _TERA
    if shape is None:
        if not counting.macs(line):
            return 0.0
        return (
            2
            * counting.macs(line)
            / (peak * efficiency("pointwise", counting.inner(line), line.result.shape[-1] or 1))
            * _MS
        )
    if shape.depthwise:
        rates = table("efficiency")
        return (
            rates["depthwise_us"] / 1e3 * _depthwise_units(line, shape) * rates["depthwise_peak"] / chip.peak
        )
    dilated = max(shape.dilations, default=1) > 1
    share = efficiency("pointwise" if shape.taps == 1 else "spatial", shape.into, shape.out)
    if dilated:
        share *= table("efficiency")["dilated"]
    elif _winograd(line, shape):
        share *= chip.winograd
    return 2 * padded_macs(line) / (peak * share) * _MS


def _winograd(line: Line, shape: counting.Kernel) -> bool:
    return (
        line.type == "conv"
        and shape.size == (3, 3)
        and shape.groups == 1
        and max(shape.strides, default=1) == 1
    )


def _depthwise_units(line: Line, shape: counting.Kernel) -> float:
    """How often Apple's unit of depthwise work is done: 65 536 results of nine taps."""
    rates = table("efficiency")
    unit = rates["depthwise_outputs"] * rates["depthwise_taps"]
    return (
        counting.macs(line) / unit
        if shape.taps > rates["depthwise_taps"]
        else (line.result.elements / rates["depthwise_outputs"])
    )


def _rewritten(line: Line) -> float:
    """How much more than written a wide kernel is."""
    shape = counting.kernel(line)
    rates = table("efficiency")
    return rates["wide_factor"] if shape and shape.width >= rates["wide_kernel"] else 1.0


def _overhead() -> float:
    return table("overhead")["operation_us"] / 1e3


def _ms(moved: float, gb_s: float) -> float:
    return 0.0 if math.isinf(gb_s) else moved / (gb_s * _GIGA) * _MS
