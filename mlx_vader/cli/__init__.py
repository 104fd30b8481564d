"""The command line: one file a command, found here by name and imported at once because each is light."""

import os
import sys
from importlib import import_module

COMMANDS = ("train", "clean", "convert", "bench", "import_", "artifacts", "demo", "doctor")


def main() -> None:
    """Entry point of `vader-mlx`. Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    import click
    import typer

    from mlx_vader.errors import VaderError

    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        exit_code = typer.main.get_command(build_app())(
            args=arguments, prog_name="vader-mlx", standalone_mode=False
        )
        sys.exit(exit_code if isinstance(exit_code, int) else 0)
    except VaderError as error:
        if debug:
            raise
        _say(error.message, error.hint)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show(file=sys.stderr)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted", "")
        # No atexit handlers of half-stopped worker threads: they could hang a second Ctrl-C.
        sys.stdout.flush()
        os._exit(130)
    except BrokenPipeError:
        os._exit(1)
    except Exception as error:
        if debug:
            raise
        _say(f"{type(error).__name__}: {error}", "run again with --debug for the traceback")
        sys.exit(1)


def build_app() -> "typer.Typer":
    """The Typer application with every command registered."""
    import typer

    app = typer.Typer(
        name="vader-mlx",
        help="Remove watermarks, logos, text, compression, noise, banding and blur from video you own or may edit.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    for command in COMMANDS:
        import_module(f"mlx_vader.cli.{command}").register(app)
    return app


def _say(message: str, hint: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
