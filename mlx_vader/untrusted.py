"""JSON that others wrote: types and bounds are checked before anything is made of it.

What is expected is a dataclass or a plain type; what is wrong is one line, `VaderError` with the file's name and a way
out. Light: `--help` reads it.
"""

from functools import cache
from typing import Any, Literal

from mlx_vader.errors import VaderError


def parse_json(
    text: str | bytes,
    kind: Any,
    what: str,
    hint: str = "",
    *,
    extra: Literal["forbid", "ignore"] = "forbid",
) -> Any:
    """A value of `kind`, a dataclass or a plain type with the bounds of `annotated_types`, from JSON.

    Nothing is coerced: "3" and 3.0 are no int. `what` begins the message, such as "net.safetensors holds no spec";
    `extra` says what is done with fields that `kind` does not have. Raises `VaderError`.
    """
    from pydantic import ValidationError

    try:
        return _adapter(kind).validate_json(text, strict=True, extra=extra)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        # Keys are the file's own: they may be of any length and hold line breaks.
        where = "".join(filter(str.isprintable, ".".join(map(str, first["loc"]))))[:80]
        reason = first["msg"][:1].lower() + first["msg"][1:]
        raise VaderError(f"{what} ({where + ': ' if where else ''}{reason})", hint) from error
    except VaderError as error:  # what the dataclass itself refuses
        raise VaderError(f"{what} ({error.message})", hint or error.hint) from error


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
