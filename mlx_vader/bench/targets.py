"""The frame rates wanted, for the device at hand."""

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent / "targets.toml"
#: Units whose frame rate no target speaks of.
UNJUDGED = {"CPU", "cpuOnly"}


class Target(NamedTuple):
    """A wanted frame rate and whose it is."""

    name: str
    fps: float


def target_for(chip: str, unit: str, size: str) -> Target | None:
    """The target of a chip ("Apple M4") and frame size ("720x1280"); `None` where the table has none."""
    if unit in UNJUDGED:
        return None
    for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["target"]:
        if re.fullmatch(row["chip"], chip) and size in row["fps"]:
            return Target(row["name"], row["fps"][size])
    return None
