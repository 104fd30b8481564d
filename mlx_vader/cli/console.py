"""Where the commands print: results on stdout, progress on stderr, JSON for machines."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def stdout_console() -> "rich.console.Console":
    """For tables and results that a person reads."""
    from rich.console import Console

    return Console(highlight=False)


def stderr_console() -> "rich.console.Console":
    """For progress, notes and warnings."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


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


def emit_json(value: Any, target: str | Path) -> None:
    """Writes JSON to a file, or to stdout for `-`."""
    text = json.dumps(value, indent=2, default=str)
    if str(target) == "-":
        sys.stdout.write(text + "\n")
    else:
        Path(target).write_text(text + "\n", encoding="utf-8")
