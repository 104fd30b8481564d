"""Where rules and figures come from: the names in their `source`, and addresses."""

import functools
import tomllib
from collections.abc import Iterable
from pathlib import Path


@functools.cache
def addresses() -> dict[str, str]:
    """The address of each source by its name."""
    return tomllib.loads((Path(__file__).parent / "sources.toml").read_text(encoding="utf-8"))


def named_in(texts: Iterable[str]) -> dict[str, str]:
    """The sources that some texts name, with their addresses."""
    joined = "\n".join(texts)
    return {name: address for name, address in addresses().items() if name in joined}
