"""Chips as data: `chips.toml` read into values, and which of them this machine is."""

import functools
import platform
import re
import subprocess
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mlx_vader.errors import UsageError, choices

DEFAULT = "m4"


@dataclass(frozen=True)
class Chip:
    """A Neural Engine. Rates in TFLOP/s and GB/s, `floor` in ms; what each means is said in `chips.toml`."""

    id: str
    generation: int
    measured: bool
    peak: float
    on_chip: float
    weights: float
    spill: float
    host: float
    floor: float
    waiting: float
    int8_speedup: float
    native_state: bool
    largest_dimension: int
    winograd: float
    spread: float
    source: str
    #: The chip that lends what this one's row lacks, and the names of what is borrowed.
    like: str = ""
    borrowed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As Apple writes it: M4 Pro, A19 Pro."""
        return " ".join(word.upper() if word[1:].isdigit() else word.title() for word in self.id.split("-"))

    @property
    def note(self) -> str:
        """Where its numbers come from, in a line."""
        borrowed = f"; the rest borrowed of {self.like}" if self.like else ""
        if self.measured:
            return f"{self.source}{borrowed}"
        return f"not measured: peak borrowed of {self.like}, wider interval ({self.source})"


#: How much wider the interval becomes for a chip whose peak nobody measured.
_UNMEASURED = 1.25
_RATES = ("peak", "on_chip", "weights", "spill", "host", "floor", "waiting")


@functools.cache
def chips() -> dict[str, Chip]:
    """Every chip by its id, in the order of the file."""
    rows = tomllib.loads((Path(__file__).parent / "chips.toml").read_text(encoding="utf-8"))
    return {name: _chip(name, rows) for name in rows}


def chip(name: str) -> Chip:
    """The chip of an id such as `m4` or `M4 Pro`. Raises `UsageError` for an unknown one."""
    wanted = "-".join(name.lower().removeprefix("apple ").split())
    if wanted not in chips():
        raise UsageError(f"no chip is called {name!r}", hint=choices(wanted, chips()))
    return chips()[wanted]


def this_machine() -> str | None:
    """The id of this Mac's chip; None off macOS, and for chips that the table does not have."""
    if platform.system() != "Darwin":
        return None
    try:
        brand = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"],
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return id_of(brand)


def id_of(brand: str) -> str | None:
    """`Apple M4 Pro` → `m4-pro`. An Ultra is two Max engines of which a request uses one."""
    match = re.fullmatch(r"Apple ([MA]\d+)(?: (Pro|Max|Ultra))?", brand.strip())
    if not match:
        return None
    kind = {"Pro": "-pro", "Max": "-max", "Ultra": "-max"}.get(match[2], "")
    name = match[1].lower() + kind
    return name if name in chips() else None


def _chip(name: str, rows: dict[str, dict[str, Any]]) -> Chip:
    own = rows[name]
    lent = _lent(name, rows)
    values = (
        {"measured": False}
        | {key: value for key, value in lent.items() if key not in ("measured", "like")}
        | own
    )
    if not values["measured"]:
        values["spread"] = own.get("spread", lent.get("spread", 1.0) * _UNMEASURED)
    borrowed = tuple(rate for rate in _RATES if rate not in own)
    known = {item.name for item in fields(Chip)}
    return Chip(id=name, borrowed=borrowed, **{key: value for key, value in values.items() if key in known})


def _lent(name: str, rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The values that a row's relatives lend, the nearest first."""
    like = rows[name].get("like")
    return _lent(like, rows) | rows[like] if like else {}
