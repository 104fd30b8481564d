"""Residency rules as data: `rules.toml` read into values. The first rule that fits an operation decides."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from convert.ane.conditions import CONDITIONS, Place
from convert.ane.graph import Line

Unit = Literal["ANE", "GPU", "CPU"]


@dataclass(frozen=True)
class Rule:
    """`ops` under the conditions `when` can run on `unit`. `advice` is what to do about it."""

    id: str
    ops: frozenset[str]
    unit: Unit
    text: str
    source: str
    advice: str = ""
    when: Mapping[str, Any] = field(default_factory=dict)

    def fits(self, line: Line, place: Place) -> bool:
        """Whether it decides about this line."""
        if line.type not in self.ops and "*" not in self.ops:
            return False
        return all(CONDITIONS[name](line, argument, place) for name, argument in self.when.items())


@functools.cache
def rules() -> tuple[Rule, ...]:
    """In the order in which they are asked."""
    rows = tomllib.loads((Path(__file__).parent / "rules.toml").read_text(encoding="utf-8"))["rule"]
    return tuple(Rule(**(row | {"ops": frozenset(row["ops"])})) for row in rows)


def rule_for(line: Line, place: Place) -> Rule:
    """The rule that decides about a line; the last one fits everything."""
    return next(rule for rule in rules() if rule.fits(line, place))
