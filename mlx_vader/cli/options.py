"""The options of a command, made from the fields of dataclasses: see `mlx_vader.options`."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

import typer

from mlx_vader.options import Said

#: Arguments that commands share.
Inputs = Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Videos, images, folders of them.")]
JsonReport = Annotated[Path | None, typer.Option("--json", help="Write the report as JSON; - is stdout.")]


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command for Typer in which each parameter that is a dataclass becomes the options that its fields are.

    The command is called with the dataclass, made of what was typed. A parameter `Annotated[dict, Kind]` gets a
    dictionary of it instead.
    """
    kinds: dict[str, tuple[type, bool]] = {}
    shown: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        annotation = parameter.annotation
        as_dict = get_origin(annotation) is Annotated and get_args(annotation)[0] is dict
        kind = get_args(annotation)[1] if as_dict else annotation
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            kinds[parameter.name] = kind, as_dict
            shown += _parameters(kind)
        else:
            shown.append(parameter)

    def called(**values: Any) -> None:
        made: dict[str, Any] = {}
        for name, (kind, as_dict) in kinds.items():
            typed = {field.name: values.pop(field.name) for field, _ in _options(kind)}
            made[name] = typed if as_dict else kind(**_said(kind, typed))
        command(**made, **values)

    # All by name: what has a default may stand before what has none.
    called.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in shown]
    )
    called.__name__, called.__annotations__ = command.__name__, {}
    return called


def _options(kind: type) -> "Iterator[tuple[dataclasses.Field[Any], Said]]":
    for field in dataclasses.fields(kind):
        if said := field.metadata.get("option"):
            yield field, said


def _parameters(kind: type) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(kind)
    for field, said in _options(kind):
        annotation, default, unsaid = said.typed or hints[field.name], field.default, said.unsaid
        if said.typed:
            annotation, default = said.typed | None, None
        elif get_origin(annotation) is tuple:
            # Given several times; nothing given is the field's default.
            unsaid = unsaid or ", ".join(map(str, cast("tuple[Any, ...]", field.default)))
            annotation, default = list[get_args(annotation)[0]] | None, None  # type: ignore[misc]
        option = typer.Option(
            *_flags(field.name, said, annotation),
            help=said.help,
            rich_help_panel=said.group or None,
            show_default=unsaid or True,
            min=said.least,
            max=said.most,
        )
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[annotation, option],
        )


def _flags(name: str, said: Said, annotation: Any) -> tuple[str, ...]:
    """A switch has no `--no-` form unless its flags name one."""
    if said.flags or annotation is not bool:
        return said.flags
    return (f"--{name.replace('_', '-')}",)


def _said(kind: type, typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed, in the fields' types; an option that was left out, and has no value, is the field's default."""
    hints = get_type_hints(kind)
    repeated = {name for name, hint in hints.items() if get_origin(hint) is tuple}
    optional = {name for name, hint in hints.items() if _allows_none(hint)}
    return {
        name: tuple(value) if name in repeated else value
        for name, value in typed.items()
        if value is not None or name in optional
    }


def _allows_none(hint: Any) -> bool:
    return type(None) in get_args(hint)
