"""Options stand once: a field of a dataclass with its default, its help and how the command line calls it.

`cli/options.py` makes the options of a command from them, and `documented` the docstring of the library's class.
"""

import dataclasses
from dataclasses import MISSING, dataclass
from typing import Any, TypeVar

Kind = TypeVar("Kind", bound=type)


@dataclass(frozen=True)
class Said:
    """What the command line knows of a field besides its type and default.

    `flags`: its names, where they are not made of the field's; `unsaid`: what `--help` shows as the default; `least`
    and `most` bound a number; `typed`: the type of what is typed, where the field is made of it by the command, which
    gets `None` when nothing was typed.
    """

    help: str
    flags: tuple[str, ...] = ()
    group: str = ""
    unsaid: str = ""
    least: float | None = None
    most: float | None = None
    typed: type | None = None


def option(default: Any = MISSING, *, help: str, factory: Any = MISSING, **more: Any) -> Any:  # noqa: A002
    """A field that is an option of the command line; `more`: see `Said`."""
    return dataclasses.field(
        default=default, default_factory=factory, metadata={"option": Said(help, **more)}
    )


def as_in(kind: type, name: str, default: Any = MISSING) -> Any:
    """A field that is the same option as another dataclass's field of that name, with its default if none is given."""
    field = next(field for field in dataclasses.fields(kind) if field.name == name)
    return dataclasses.field(
        default=field.default if default is MISSING else default, metadata=dict(field.metadata)
    )


def setting(default: Any = MISSING, *, help: str, factory: Any = MISSING) -> Any:  # noqa: A002
    """A field that only the library sets."""
    return dataclasses.field(default=default, default_factory=factory, metadata={"help": help})


def help_of(field: "dataclasses.Field[Any]") -> str:
    """What a field is for; "" where nothing is said."""
    said = field.metadata.get("option")
    return said.help if said else str(field.metadata.get("help", ""))


def flag_of(kind: type, name: str) -> str:
    """How the command line calls a field: `--batch-size`."""
    field = next((field for field in dataclasses.fields(kind) if field.name == name), None)
    said = field.metadata.get("option") if field else None
    long = [flag for flag in said.flags if flag.startswith("--")] if said else []
    return long[0].split("/")[0] if long else f"--{name.replace('_', '-')}"


def documented(kind: Kind) -> Kind:
    """Adds each field with its help to the docstring of a dataclass."""
    lines = [f"`{field.name}`: {help_of(field)}" for field in dataclasses.fields(kind) if help_of(field)]
    kind.__doc__ = "\n".join([kind.__doc__ or "", "", *lines])
    return kind
