"""The name of a Swift package's module: the folder's, and no name that Swift or an app has already."""

import re
import tomllib
from functools import cache
from pathlib import Path


def module_name(folder: Path) -> str:
    """A Swift identifier from a folder's name: `my-restorer` → `MyRestorer`, and `App` → `AppPackage`."""
    words = re.findall(r"[A-Za-z0-9]+", folder.resolve().name)
    name = "".join(word[0].upper() + word[1:] for word in words)
    if not name[:1].isalpha():
        name = f"Vader{name}"
    return f"{name}Package" if name in _taken() else name


@cache
def _taken() -> frozenset[str]:
    names = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))
    return frozenset().union(*names.values())
