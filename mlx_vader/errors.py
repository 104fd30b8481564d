"""What can go wrong, said in one line with a way out."""


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
