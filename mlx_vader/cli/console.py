"""Where the commands print: results on stdout, progress on stderr, JSON for machines."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from convert.limits import Refusal


def stdout_console() -> "Console":
    """For tables and results that a person reads."""
    from mlx_vader.cli.whole_console import WholeConsole

    return WholeConsole(highlight=False)


def stderr_console() -> "Console":
    """For progress, notes and warnings."""
    from mlx_vader.cli.whole_console import WholeConsole

    return WholeConsole(stderr=True, highlight=False)


def announce(title: str, facts: Mapping[str, str]) -> None:
    """On stderr, before long work begins: what it will do, with what, a fact a line."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name, fact in facts.items():
        if fact:
            table.add_row(f"[dim]{name}[/]", escape(fact))
    console = stderr_console()
    console.print(title, markup=False, soft_wrap=True)
    console.print(table)


def say(text: str) -> None:
    """A line on stderr that no terminal breaks: paths and commands in it can be copied."""
    stderr_console().print(text, markup=False, soft_wrap=True)


def show_refusals(refusals: "Iterable[Refusal]", console: "Console") -> None:
    """Why Core ML would not load a package, and how the package gets round it."""
    from rich.markup import escape

    for refusal in refusals:
        console.print(f"[red]✗[/] {escape(str(refusal))}\n  [dim]{escape(refusal.advice)}[/]")


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A progress bar with ETA on stderr. Yields `advance(n=1, **fields)`; `fields["note"]` is shown at the end."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=stderr_console()) as bar:
        task = bar.add_task(description, total=total, note="")

        def advance(n: int = 1, **fields: Any) -> None:
            bar.update(task, advance=n, **fields)

        yield advance


@contextmanager
def shown_steps() -> Iterator[Callable[[str], None]]:
    """A spinner that says what is being done.

    It writes to its own duplicate of stderr, because the converter silences the original while libraries talk.
    """
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    with os.fdopen(os.dup(2), "w", encoding="utf-8") as terminal:
        spinner = Spinner("dots", text="starting")
        with Live(
            spinner,
            console=Console(file=terminal),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield lambda step: spinner.update(text=step)


def check_results(
    reads: Iterable[str | Path | None],
    *writes: str | Path | None,
    replaced_folders: Iterable[str | Path | None] = (),
) -> None:
    """Before work begins: what a command writes overwrites nothing that it reads, and can be written.

    Raises `UsageError`. See `mlx_vader.overwriting`; folders of media that are read count with their videos and images.
    """
    from mlx_vader.overwriting import check_overwriting
    from mlx_vader.writing import check_writable

    check_overwriting(_with_media(reads), writes, replaced_folders=replaced_folders)
    for path in writes:
        if path and str(path) != "-":
            check_writable(Path(path))


def _with_media(paths: Iterable[str | Path | None]) -> Iterator[str | Path | None]:
    for path in paths:
        if path is None or not Path(path).is_dir() or Path(path).suffix == ".mlpackage":
            yield path
        else:
            from mlx_vader.video import list_media

            yield from list_media(path)


def emit_json(value: Any, target: str | Path) -> None:
    """Writes JSON to a file, which appears when it is complete, or to stdout for `-`. Raises `VaderError`."""
    from mlx_vader.writing import write_failure, write_file

    text = json.dumps(value, indent=2, default=str) + "\n"
    path = Path(target)
    if str(target) == "-":
        sys.stdout.write(text)
    elif path.exists() and not path.is_file():
        try:
            path.write_text(text, encoding="utf-8")  # a pipe or a device
        except OSError as error:
            raise write_failure(path, error) from error
    else:
        write_file(path, text.encode())
