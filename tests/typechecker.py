"""The checker behind the named shapes: an int is a float here, as Python's type system has it.

Protocols are left to mypy: at run time they could only be checked by asking for every attribute, and asking for the
colours of a frame converts it.
"""

import types
from collections.abc import Callable
from typing import Any, TypeVar, Union, get_args, get_origin

from beartype import BeartypeConf, beartype

Checked = TypeVar("Checked", bound=Callable[..., Any])

_beartyped = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function: Checked) -> Checked:
    """The function, which raises an error for values that its annotations do not allow."""
    hints = getattr(function, "__annotations__", None)
    if hints and not isinstance(function, type):
        function.__annotations__ = {name: _without_protocols(hint) for name, hint in hints.items()}
    return _beartyped(function)


def _without_protocols(hint: Any) -> Any:
    if isinstance(hint, type) and getattr(hint, "_is_protocol", False):
        return Any
    inner = get_args(hint)
    known = tuple(map(_without_protocols, inner))
    if known == inner:
        return hint
    if get_origin(hint) in (Union, types.UnionType):
        return Union[known]  # noqa: UP007 - of any number
    return get_origin(hint)[known] if isinstance(hint, types.GenericAlias) else Any
