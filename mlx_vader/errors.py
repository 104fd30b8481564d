"""What can go wrong, said in one line with a way out."""

import difflib
from collections.abc import Iterable
from pathlib import Path


class VaderError(Exception):
    """The work failed. The command line prints the message and the hint, and exits with `exit_code`."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        """`message` names the thing; `hint` says what to do about it."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(VaderError):
    """The request itself is wrong: a bad option, size or name."""

    exit_code = 2


def missing(path: Path) -> VaderError:
    """The error for a path that leads nowhere. The hint names a file beside it that is spelled nearly so."""
    try:
        beside = [other.name for other in path.parent.iterdir()]
    except OSError:
        beside = []
    close = difflib.get_close_matches(path.name, beside, n=1)
    return VaderError(
        f"{path} does not exist",
        hint=f"did you mean {path.with_name(close[0])}?" if close else "check the spelling and the folder",
    )


def choices(name: str, known: Iterable[str]) -> str:
    """The hint for a name that there is not: the nearest of `known` first, then all of them."""
    known = list(known)
    close = [other for other in known if name and name in other]
    close = close or difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {' or '.join(close)}? " if close else ""
    return f"{meant}one of {', '.join(known)}"
