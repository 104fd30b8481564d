"""`vader-mlx evaluate`: networks and what users have today, side by side, on clips that were spoiled on purpose."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlx_vader.cli.options import with_options
from mlx_vader.evaluation import EvaluateOptions

if TYPE_CHECKING:
    from rich.console import Console

    from mlx_vader.evaluation import Evaluation
    from mlx_vader.evaluation.measuring import Row
    from mlx_vader.evaluation.page import Pictures
    from mlx_vader.evaluation.tables import Table

HELP = """
Measure how well networks restore clips, beside OpenCV's and FFmpeg's filters, in one run.

Clean clips are spoiled by a suite of artifacts, the same in every run, and restored by each method that is for them.
Words and logos are none that training saw; the suite foreign shares nothing at all with it. CLIPS are videos,
photographs (still clips) or folders of them; without, two real clips of the demo extra.

Examples:

    vader-mlx evaluate

    vader-mlx evaluate clips -c realtime -c runs/mine --suite full

    vader-mlx evaluate clips --suite foreign --frames 24

    vader-mlx evaluate clips --suite objects,dropouts --frames 60

    vader-mlx evaluate clips --json result.json --html result.html

    vader-mlx evaluate clip.mp4 --suite corner_logo --method "opencv telea"
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("evaluate", help=HELP)(evaluate)


@with_options
def evaluate(
    options: EvaluateOptions,
    clips: Annotated[
        list[Path] | None, typer.Argument(help="Videos, photographs, folders.", show_default="sample clips")
    ] = None,
    json: Annotated[str, typer.Option("--json", help="Write the result to this file; - is stdout.")] = "",
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with tables and crops to this file.")
    ] = None,
) -> None:
    from mlx_vader.checkpoints import locate
    from mlx_vader.cli.console import check_results, emit_json, say, stderr_console, stdout_console
    from mlx_vader.evaluation import prepare

    check_results([*(clips or []), *map(locate, options.checkpoint), options.logos], json, html)
    evaluation, note = prepare(replace(options, clips=tuple(clips or ())))
    if note:
        stderr_console().print(f"[dim]{note}[/]", soft_wrap=True)
    _announce(evaluation)
    rows, pictures = _measured(evaluation, want_pictures=html is not None)
    result = evaluation.as_dict(rows)
    if html and pictures:
        from mlx_vader.evaluation.page import page
        from mlx_vader.writing import write_file

        write_file(html, page(result, pictures).encode())
    if json:
        emit_json(result, json)
    if json != "-":
        _show(result, stdout_console())
    for written in (json if json != "-" else "", html):
        if written:
            say(f"written: {written}")


def _announce(evaluation: "Evaluation") -> None:
    """What will be compared, on what, and how many trials that makes."""
    from mlx_vader.cli.console import announce

    networks = [method.name for method in evaluation.methods if method.ours]
    where = dict.fromkeys(method.where for method in evaluation.methods if method.ours)
    others = [method.name for method in evaluation.methods if not method.ours]
    cases = [f"{case.artifact} {case.severity}" for case in evaluation.cases]
    bound = "up to " if any(case.suits for case in evaluation.cases) else ""
    announce(
        f"evaluating: {bound}{evaluation.trials} trials",
        {
            "networks": ", ".join(networks) + (f" ({', '.join(where)})" if where else ""),
            "beside": ", ".join(others),
            "clips": f"{', '.join(evaluation.clips)}; {evaluation.frames} frames of each",
            "spoiled with": ", ".join(cases),
        },
    )


def _measured(evaluation: "Evaluation", *, want_pictures: bool) -> "tuple[list[Row], Pictures | None]":
    from mlx_vader.cli.console import progress
    from mlx_vader.evaluation import evaluate as trials_of
    from mlx_vader.evaluation.page import Pictures

    pictures = Pictures(list(evaluation.clips)) if want_pictures else None
    rows = []
    with progress("evaluating", evaluation.trials) as advance:
        for trial in trials_of(evaluation):
            rows.append(trial.row)
            if pictures:
                pictures.add(trial)
            advance(note=f"{trial.row.artifact} {trial.row.severity}, {trial.row.method}")
    return rows, pictures


def _show(result: dict[str, Any], console: "Console") -> None:
    from mlx_vader.evaluation.tables import tables

    for table in tables(result["summary"], result["lpips"]):
        console.print(_as_rich(table))
    console.print(_gains(result["summary"]))
    where = dict.fromkeys(item["where"] for item in result["methods"] if item["where"] != "CPU")
    console.print(
        f"Measured. Networks: {', '.join(where) or 'none'}; baselines: CPU. PSNR in dB, of clips in 8 bits.",
        soft_wrap=True,
    )
    for name, reason in result["missing"].items():
        console.print(f"[dim]without {name}: {reason}[/]", soft_wrap=True)


def _as_rich(table: "Table") -> Any:
    from rich.markup import escape

    # Figures are never cut where there are 80 columns; names are folded instead.
    shown = _plain_table(table.title, "method")
    for column in table.columns:
        shown.add_column(column.heading.replace(" ", "\n"), justify="right", no_wrap=True)
    for line in table.lines:
        if line.first:
            if shown.row_count:
                shown.add_section()
            shown.add_row(f"[dim]{line.severity}[/]")
        method = f"[cyan]{escape(line.method)}[/]" if line.ours else escape(line.method)
        cells = (f"[bold]{cell.text}[/]" if cell.best else cell.text for cell in line.cells)
        shown.add_row(method, *cells)
    return shown


def _plain_table(title: str, name: str) -> Any:
    from rich.box import SIMPLE
    from rich.table import Table as RichTable

    table = RichTable(title=title, title_justify="left", box=SIMPLE, padding=0, pad_edge=False)
    table.add_column(name, overflow="fold")
    return table


def _gains(summary: list[dict[str, Any]]) -> Any:
    from rich.markup import escape

    from mlx_vader.evaluation.tables import gains

    shown = _plain_table("gains in PSNR, dB", "artifact")
    shown.add_column("spoiled", justify="right", no_wrap=True)
    shown.add_column("best baseline", overflow="fold")
    shown.add_column("ours", overflow="fold")
    for name in ("PSNR", "over\nspoiled", "over\nbaseline"):
        shown.add_column(name, justify="right", no_wrap=True)
    for line in gains(summary):
        shown.add_row(
            f"{line.artifact} {line.severity}",
            line.spoiled,
            escape(line.baseline),
            escape(line.network),
            line.psnr,
            _coloured(line.over_spoiled),
            _coloured(line.over_baseline),
        )
    return shown


def _coloured(gain: float | None) -> str:
    from mlx_vader.evaluation.tables import decibels

    colour = "green" if gain and gain > 0 else "red" if gain and gain < 0 else "default"
    return f"[{colour}]{decibels(gain)}[/]"
