"""`vader-mlx mask`: finds or draws where marks are, and says what `clean` would do to them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_vader.cli.options import Inputs, JsonReport, with_options
from mlx_vader.jobs.mask_options import MaskOptions

if TYPE_CHECKING:
    from rich.table import Table

    from mlx_vader.jobs.mask import MaskBeginning, MaskFileReport, MaskReport
    from mlx_vader.process import FoundMark

HELP = """
Find or draw where marks are, as masks for clean, and see what it would do.

Masks are white on black: a lossless video with a frame for each frame of the source, or pictures.
Without further options marks are looked for that stand still while the scene moves.

Examples:

    vader-mlx mask clip.mp4 --preview                 writes clip.mask.mkv

    vader-mlx mask clip.mp4 -o masks/                 writes pictures

    vader-mlx mask clip.mp4 --frame 120               a grid to read from

    vader-mlx mask clip.mp4 --box 1080,40,160,60      what is in this box

    vader-mlx mask clip.mp4 --box 5%,80%,20%,10%@60-90

    vader-mlx mask clip.mp4 --box 0,9,80,40@0 --box 60,9,80,40@2.5s

    vader-mlx mask a.mp4 b.mp4 --save-mark logo.png   for clean --mark

    vader-mlx clean clip.mp4 --mask clip.mask.mkv     what it is for
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("mask", help=HELP)(mask)


@with_options
def mask(
    inputs: Inputs,
    *,
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", help="A .mkv or .mp4, a .png, or a folder; INPUT.mask.mkv if not given."),
    ] = None,
    frame: Annotated[
        str | None,
        typer.Option(
            help="Only write a picture of this frame (120, or 2.5s) with a grid to read places from."
        ),
    ] = None,
    save_mark: Annotated[
        Path | None,
        typer.Option(
            help="Only learn the mark, from all INPUTs together, and save it as .png or .lgd for clean --mark."
        ),
    ] = None,
    options: Annotated[dict, MaskOptions],
    json: JsonReport = None,
) -> None:
    """See `HELP`."""
    from mlx_vader.cli.clean import progress_bar, say_note
    from mlx_vader.cli.console import check_results, emit_json
    from mlx_vader.jobs.mask import mask as library

    check_results([], json)
    if frame is not None:
        _write_frame(inputs, out, frame, options)
        return
    if save_mark is not None:
        _save_mark(inputs, out, save_mark, options, json)
        return
    with progress_bar() as on_progress:
        report = library(
            inputs,
            out,
            on_begin=_announce,
            on_progress=on_progress,
            on_note=say_note,
            also_written=[json],
            **options,
        )
    if json is not None:
        emit_json(report.as_dict(), json)
    _summarise(report, to_stderr=str(json) == "-")
    if report.failures:
        raise typer.Exit(1)


def _write_frame(inputs: list[Path], out: str | None, frame: str, options: dict) -> None:
    from mlx_vader.errors import UsageError
    from mlx_vader.jobs.frame_grid import write_frame

    if len(inputs) > 1:
        raise UsageError("--frame is of one file", hint="name one INPUT")
    box, polygon = options["box"] or (), options["polygon"] or ()
    print(write_frame(inputs[0], out, frame, box=box, polygon=polygon))


def _save_mark(inputs: list[Path], out: str | None, target: Path, options: dict, json: Path | None) -> None:
    from mlx_vader.cli.console import announce, emit_json, say
    from mlx_vader.errors import UsageError
    from mlx_vader.jobs.mask import save_mark

    if out is not None:
        raise UsageError("--save-mark writes a mark, and no masks", hint="leave out --out or --save-mark")
    announce(f"learning a mark from {len(inputs)} file{'s' * (len(inputs) != 1)}", {"to": str(target)})
    report = save_mark(inputs, target, also_written=[json], **options)
    if json is not None:
        emit_json(report.as_dict(), json)
    for path in report.without:
        say(f"note: {path} shows no such mark")
    x, y, width, height = report.box
    columns, rows = report.frame
    place = f"{width}x{height} at {x},{y} in frames of {columns}x{rows}"
    look = f"opacity {report.alpha:.2f}, colour {_hex(report.colour)}"
    print(f"{target}: {place}, {look}", file=sys.stderr if str(json) == "-" else sys.stdout)
    say(f"hint: vader-mlx clean OTHER.mp4 --mark {_quoted(target)}")


def _announce(beginning: "MaskBeginning") -> None:
    """Says what will be done, and where the result goes."""
    from mlx_vader.cli.console import announce

    tasks, options = beginning.tasks, beginning.options
    first = tasks[0]
    alone = len(tasks) == 1
    announce(
        f"masking {first.source}" if alone else f"masking {len(tasks)} files",
        {
            "to": str(first.folder or first.target) if alone else f"{first.target.parent}",
            "preview": str(first.preview) if options.preview and alone else "",
            "marks": marks_in_words(options),
        },
    )


def marks_in_words(options: MaskOptions) -> str:
    """Where marks are, in words."""
    from mlx_vader.cli.clean import touched

    pointed = [f"the object at {click}" for click in options.click] + [f"“{w}”" for w in options.prompt]
    cleaning = options.cleaning()
    others = [] if pointed and not cleaning.told else [touched(cleaning, looks_for_marks=True)]
    return ", ".join([*pointed, *others])


def _summarise(report: "MaskReport", *, to_stderr: bool) -> None:
    """Each file's marks as a table, what was written, and what to do next."""
    from mlx_vader.cli.console import stderr_console, stdout_console

    console = stderr_console() if to_stderr else stdout_console()
    for file in report.files:
        if file.made is None:
            print(f"error: {file.error}", file=sys.stderr)
            if file.hint:
                print(f"hint: {file.hint}", file=sys.stderr)
            continue
        if file.made.finding.marks:
            console.print(marks_table(file.made.finding.marks))
        console.print(_summary(file), markup=False, soft_wrap=True)
        for line in _advice(file):
            print(line, file=sys.stderr)


def marks_table(marks: "tuple[FoundMark, ...]") -> "Table":
    """A row for each mark, with the numbers that the preview shows."""
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for name in ("", "box", "frames", "kind", "opacity", "colour", "sure", "clean"):
        table.add_column(name)
    for number, found in enumerate(marks, start=1):
        x, y, width, height = found.box
        alpha = "" if found.alpha is None else f"{found.alpha:.2f}"
        colour = "" if found.colour is None else _hex(found.colour)
        span = "all" if (found.first, found.last) == (0, None) else f"{found.first}-{_last(found)}"
        cells = f"{x},{y},{width},{height}", span, found.kind, alpha, colour, f"{found.confidence:.0%}"
        table.add_row(str(number), *cells, TREATED.get(found.treated, found.treated))
    return table


#: What `clean` would do, in words.
TREATED = {"unblend": "subtracts it", "fill": "fills it", "left": "leaves it"}


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _last(mark: "FoundMark") -> str:
    return "end" if mark.last is None else str(mark.last)


def _summary(file: "MaskFileReport") -> str:
    made = file.made
    assert made is not None  # it did not fail
    names = " and ".join(str(path) for path in (made.target, made.preview) if path)
    what = f"{made.frames} frame{'s' * (made.frames != 1)}"
    if not made.masked_frames:
        return f"{names}: {what}, nothing is marked"
    where = "" if made.masked_frames == made.frames else f"marked in {made.masked_frames}, "
    return f"{names}: {what}, {where}{100 * made.share:.2g}% of the picture"


def _advice(file: "MaskFileReport") -> Iterator[str]:
    """Why nothing was marked, and what to do next."""
    from mlx_vader.cli.clean_summary import conclusion

    made = file.made
    assert made is not None  # it did not fail
    if why := conclusion(made.finding):
        yield f"note: {file.source}: {why}"
    if made.finding.candidates:
        yield "hint: the marks that it leaves can be taken by their numbers: --marks 1"
    if made.masked_frames:
        yield f"hint: vader-mlx clean {_quoted(file.source)} --mask {_quoted(made.target)}"
    else:
        yield f"hint: draw it with --box; a grid to read from: vader-mlx mask {_quoted(file.source)} --frame 0"


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
