"""`vader-mlx evaluate`: networks and what users have today, side by side, on clips that were spoiled on purpose."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from mlx_vader.evaluation import Evaluation
    from mlx_vader.evaluation.measuring import Row
    from mlx_vader.evaluation.page import Pictures
    from mlx_vader.evaluation.tables import Table

HELP = """
Measure how well networks restore clips, beside OpenCV's and FFmpeg's filters, in one run.

Clean clips are spoiled by a suite of artifacts, the same in every run, and restored by each method that is for them.
Words and logos are none that training saw. CLIPS are videos, photographs (still clips) or folders of them; without,
two real clips of the demo extra.

Examples:

    vader-mlx evaluate

    vader-mlx evaluate clips -c realtime -c mine.safetensors --suite full --json result.json --html result.html

    vader-mlx evaluate holiday.mp4 --suite corner_logo,codecs --method "opencv telea" --method mine
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("evaluate", help=HELP)(evaluate)


def evaluate(
    clips: Annotated[
        list[Path] | None, typer.Argument(help="Videos, photographs, folders.", show_default="sample clips")
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            "-c",
            help="A .safetensors, a shipped name or a .mlpackage; may be repeated.",
            show_default="default",
        ),
    ] = None,
    backend: Annotated[str, typer.Option(help="Of the networks: auto, mlx, torch or coreml.")] = "auto",
    suite: Annotated[
        str,
        typer.Option(
            help="quick, clean, overlays, noise, compression, codecs, tones, full, or artifacts; with commas between."
        ),
    ] = "quick",
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this network or baseline; may be repeated.", show_default="all that work here"
        ),
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of each clip, from its middle.")] = 10,
    height: Annotated[
        int, typer.Option(min=0, help="Taller clips are scaled down to so many lines; 0 leaves them.")
    ] = 240,
    logos: Annotated[Path | None, typer.Option(help="Folder of images with alpha, for the logos.")] = None,
    json: Annotated[str, typer.Option("--json", help="Write the result to this file; - is stdout.")] = "",
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with tables and crops to this file.")
    ] = None,
) -> None:
    from mlx_vader.cli.console import emit_json, stderr_console, stdout_console

    _check_targets(json, html)
    evaluation, note = _prepared(
        clips or [], checkpoint or ["default"], backend, suite, method or [], frames, height, logos
    )
    if note:
        stderr_console().print(f"[dim]{note}[/]", soft_wrap=True)
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


def _check_targets(json: str, html: Path | None) -> None:
    """Raises UsageError for what could not be written after all the work."""
    from mlx_vader.video.files import check_target

    for target in (json if json != "-" else "", html):
        if target:
            check_target(target)


def _prepared(
    clips: list[Path],
    checkpoints: list[str],
    backend: str,
    suite: str,
    methods: list[str],
    frames: int,
    height: int,
    logos: Path | None,
) -> "tuple[Evaluation, str]":
    """What is to be done, and a note on what is left out. Refuses before any work what cannot work."""
    from importlib.util import find_spec

    from mlx_vader.errors import UsageError, VaderError

    if find_spec("cv2") is None:
        raise VaderError(
            "evaluate needs OpenCV, for baselines and the warping error",
            hint="pip install 'vader-mlx[evaluate]'",
        )
    if logos is not None and not logos.is_dir():
        raise UsageError(
            f"{logos} is not a folder", hint="--logos DIR, with PNG files that have transparency"
        )
    from mlx_vader.evaluation import Evaluation, find_cases, find_clips, find_methods
    from mlx_vader.evaluation.networks import load_networks
    from mlx_vader.evaluation.perceptual import find_perceptual

    cases, found = find_cases(suite), find_clips(clips)
    chosen, missing = find_methods(load_networks(checkpoints, backend), methods)
    perceptual, note = find_perceptual()
    return Evaluation(found, cases, chosen, frames, height, logos, perceptual, missing), note


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

    table = RichTable(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(name, overflow="fold")
    return table


def _gains(summary: list[dict[str, Any]]) -> Any:
    from rich.markup import escape

    from mlx_vader.evaluation.tables import gains

    shown = _plain_table("gains in PSNR, dB", "artifact")
    shown.add_column("spoiled", justify="right", no_wrap=True)
    shown.add_column("best baseline", overflow="fold")
    shown.add_column("network", overflow="fold")
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
