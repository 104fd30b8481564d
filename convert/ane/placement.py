"""Which unit each group runs on: the cheapest way through the sequence, switches and segments paid for.

Minimises the sum of the groups' times + 0.125 ms for each segment on the engine + 0.125 ms for each switch + 0.125 ms
when the last one is on the engine: what Core ML's planner was found to do by the 751K study (see rules.toml).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from convert.ane.costs import table

Place = Literal["ANE", "CPU"]
_PLACES: tuple[Place, ...] = ("ANE", "CPU")


@dataclass(frozen=True)
class Choice:
    """What a group takes on either unit, in ms. `movable` is false for what runs at the edge, before or after."""

    engine: float
    cpu: float
    movable: bool = True

    def on(self, place: Place) -> float:
        """On one of them."""
        return self.engine if place == "ANE" else self.cpu


@dataclass(frozen=True)
class Placement:
    """A unit for each group, how often it changes, how many stretches run on the engine, and whether it has the end."""

    places: tuple[Place, ...]
    switches: int
    segments: int
    ends_on_engine: bool


def place(choices: Sequence[Choice], *, to_engine: bool = False) -> Placement:
    """The cheapest placement; `to_engine` sends to the engine whatever can run there, cheap or not."""
    movable = [choice for choice in choices if choice.movable]
    if to_engine:
        movable = [Choice(0.0, math.inf) if choice.engine < math.inf else choice for choice in movable]
    chosen = iter(_cheapest(movable))
    places = tuple(next(chosen) if choice.movable else "CPU" for choice in choices)
    inner = [at for at, choice in zip(places, choices, strict=True) if choice.movable]
    switches = sum(a != b for a, b in itertools.pairwise(inner))
    segments = sum(
        at == "ANE" and (index == 0 or inner[index - 1] != "ANE") for index, at in enumerate(inner)
    )
    return Placement(places, switches, segments, bool(inner) and inner[-1] == "ANE")


def extra_ms(placement: Placement) -> float:
    """What switches and segments add to a call. Its floor has one segment and an output of the engine in it, so a
    network that ends on the CPU, as classifiers do, pays for the way back once.
    """
    rates = table("overhead")
    output = rates["output_ms"] * placement.ends_on_engine
    paid = placement.switches * rates["switch_ms"] + placement.segments * rates["segment_ms"] + output
    return max(paid - rates["segment_ms"] - rates["output_ms"], 0.0)


def _cheapest(choices: Sequence[Choice]) -> list[Place]:
    """Shortest path over two states, from the first group to the last."""
    if not choices:
        return []
    rates = table("overhead")
    total = {"ANE": rates["segment_ms"] + choices[0].engine, "CPU": choices[0].cpu}
    came: list[dict[Place, Place]] = []
    for choice in choices[1:]:
        step: dict[Place, Place] = {}
        reached: dict[str, float] = {}
        for at in _PLACES:
            enter = rates["switch_ms"] + (rates["segment_ms"] if at == "ANE" else 0.0)
            other: Place = "CPU" if at == "ANE" else "ANE"
            step[at] = at if total[at] <= total[other] + enter else other
            reached[at] = choice.on(at) + (total[at] if step[at] == at else total[other] + enter)
        came.append(step)
        total = reached
    at = "ANE" if total["ANE"] + rates["output_ms"] <= total["CPU"] else "CPU"
    path = [at]
    for step in reversed(came):
        path.append(step[path[-1]])
    return path[::-1]
