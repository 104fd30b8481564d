"""The command line: one file a command, found here by name and imported at once because each is light."""

import errno
import os
import sys
from importlib import import_module
from typing import Annotated

import typer

from mlx_vader.errors import VaderError

#: In the order of `--help`.
COMMANDS = (
    "clean",
    "inpaint",
    "mask",
    "train",
    "convert",
    "verify",
    "inspect",
    "evaluate",
    "run_",
    "bench",
    "import_",
    "artifacts",
    "demo",
    "doctor",
)

#: Files that fail have names, and their failures are `VaderError`s: these without a name are of stdout.
_OUTPUT_FAILS = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def main() -> None:
    """Entry point of `vader-mlx`. Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"] or ["--help"]
    try:
        code = run(arguments)
        if sys.stdout is not None:  # it is None where the shell has closed it
            sys.stdout.flush()
    except Exception as error:
        if debug:
            raise
        code = _explain(error)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Runs a command and returns its exit code; what goes wrong is raised."""
    command = typer.main.get_command(build_app())
    try:
        with command.make_context("vader-mlx", arguments, obj=arguments) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        return 130
    return 0


def build_app() -> typer.Typer:
    """The Typer application with every command registered."""
    app = typer.Typer(
        epilog="Tracebacks with --debug. Start with: vader-mlx demo",
        add_completion=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for command in COMMANDS:
        import_module(f"mlx_vader.cli.{command}").register(app)
    for entry in app.registered_commands:
        entry.help = _unwrapped(entry.help or "")
    return app


def _unwrapped(text: str) -> str:
    """Paragraphs on one line each: Rich keeps line breaks, and would show ours in the middle of a line.

    What is indented, an example, stays as it is.
    """
    paragraphs = text.split("\n\n")
    return "\n\n".join(part if part.startswith("  ") else " ".join(part.split()) for part in paragraphs)


def _print_version(asked: bool) -> None:
    if asked:
        from mlx_vader.versions import VERSION

        print(f"vader-mlx {VERSION}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Remove watermarks, logos, text, compression, noise, banding and blur from video you own or may edit."""


def _explain(error: Exception) -> int:
    """Says in one line what went wrong, and returns the exit code."""
    from typer.exceptions import TyperException

    if isinstance(error, OSError) and error.errno in _OUTPUT_FAILS and error.filename is None:
        # Nothing more may be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # whoever read our output has left, and knows
            _say(f"the output cannot be written: {error.strerror}", "is there room where it goes?")
        return 1
    if isinstance(error, VaderError):
        _say(error.message, error.hint)
        return error.exit_code
    if isinstance(error, TyperException):
        _say(error.format_message(), "vader-mlx COMMAND --help lists what there is")
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: " if error.filename is not None else ""
        _say(f"{named}{error.strerror}", "check the paths, who may read and write there, and the space left")
        return 1
    _say(f"{type(error).__name__}: {error}", "run again with --debug for the traceback")
    return 1


def _say(message: str, hint: str = "") -> None:
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
