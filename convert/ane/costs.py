"""`costs.toml` read into values: efficiencies, overheads, families of operations with their intervals."""

import functools
import itertools
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Family:
    """Operations of one kind. `traffic`: share of the on-chip rate; `low`, `high`: factors of the prediction."""

    id: str
    label: str
    low: float
    high: float
    traffic: float = 1.0
    free: bool = False


@functools.cache
def table(name: str) -> dict[str, Any]:
    """A table of the file."""
    return _file()[name]


@functools.cache
def families() -> dict[str, Family]:
    """By id, in the order of the file."""
    return {
        name: Family(name, **{key: value for key, value in row.items() if key != "ops"})
        for name, row in table("family").items()
    }


def family_of(operation: str) -> Family:
    """The family of an operation's type; what is listed nowhere is elementwise."""
    return families()[_by_operation().get(operation, "elementwise")]


def efficiency(kind: str, into: int, out: int) -> float:
    """Share of the peak with so many channels in and out. `kind`: spatial or pointwise.

    The table is of convolutions with as many in as out. Too few in and too few out are taken for two losses that
    multiply and are alike, which is inferred.
    """
    return math.sqrt(_at(kind, into) * _at(kind, out))


def _at(kind: str, channels: int) -> float:
    """Channels are padded to 16; between the rows of the table it is linear in the logarithm of the channels."""
    rows = table("efficiency")[kind]
    channels = min(max(padded(channels), rows[0][0]), rows[-1][0])
    for (low, at_low), (high, at_high) in itertools.pairwise(rows):
        if channels <= high:
            return at_low + (at_high - at_low) * math.log(channels / low) / math.log(high / low)
    return rows[-1][1]


def padded(channels: int, to: str = "channel_step") -> int:
    """To the next multiple of a step of the table `efficiency`."""
    step = table("efficiency")[to]
    return -(-channels // step) * step


@functools.cache
def _file() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "costs.toml").read_text(encoding="utf-8"))


@functools.cache
def _by_operation() -> dict[str, str]:
    return {operation: name for name, row in table("family").items() for operation in row["ops"]}
