"""`vader-mlx clean`: removes artifacts from videos, images and folders of them."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_vader.cli.options import with_options
from mlx_vader.jobs.options import CleanOptions

if TYPE_CHECKING:
    from mlx_vader.jobs.clean import CleanReport, FileReport, Interrupted, Progress

HELP = """
Remove watermarks, logos, text and degradations from videos, images and folders of them.

Removes marks that stand still while the scene moves; what cannot be told from the scene is left alone, and said.
Audio, subtitles, timestamps, colours and bit depth stay as they are.
The result appears under its name when it is complete; a source is never overwritten.

Examples:

    vader-mlx clean clip.mp4                          writes clip.clean.mp4

    vader-mlx clean clip.mp4 -o out.mp4 --preview     and out.preview.mp4

    vader-mlx clean clip.mp4 -o out.mp4 --resume      goes on after Ctrl-C

    vader-mlx clean clips/ -o cleaned/                all that is in clips/

    vader-mlx clean clip.mp4 --mask logo.png          only where it is white

    vader-mlx clean clip.mp4 --find network           all that looks like a mark
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("clean", help=HELP)(clean)


@with_options
def clean(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Videos, images, folders of them.")
    ],
    *,
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", help="File, or folder for several; INPUT.clean.EXT beside it if not given."
        ),
    ] = None,
    options: Annotated[dict, CleanOptions],
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON; - is stdout.")] = None,
) -> None:
    """See `HELP`."""
    from mlx_vader.cli.console import emit_json
    from mlx_vader.jobs import clean as library

    # What was not typed is as the library has it.
    options = {name: value for name, value in options.items() if value is not None}
    stopped = None
    with _progress_bar() as on_progress:
        try:
            report = library.clean(inputs, out, on_progress=on_progress, on_note=_say, **options)
        except library.Interrupted as interruption:
            stopped = interruption
    if stopped is not None:
        _say_how_to_go_on(stopped)
        raise typer.Exit(130)
    if json is not None:
        emit_json(report.as_dict(), json)
    _summarise(report, to_stderr=str(json) == "-")
    if report.failures:
        raise typer.Exit(1)


@contextmanager
def _progress_bar() -> "Iterator[Callable[[Progress], None]]":
    """Frames of the file at work, with frames a second and ETA; shown when work begins, starts over with each file."""
    from mlx_vader.cli.console import progress

    began: tuple[int, int, float] = (0, 0, 0.0)
    advance: Callable[..., None] | None = None

    with ExitStack() as shown:

        def on_progress(now: "Progress") -> None:
            nonlocal began, advance
            if advance is None:
                advance = shown.enter_context(progress(now.source.name, now.total))
            if began[0] != now.number:
                began = now.number, now.frames, time.monotonic()
            seconds, frames = time.monotonic() - began[2], now.frames - began[1]
            place = f" ({now.number}/{now.files})" if now.files > 1 else ""
            note = f"{frames / seconds:.1f} fps" if frames and seconds else now.step
            advance(0, completed=now.frames, total=now.total, description=now.source.name + place, note=note)

        yield on_progress


def _say(note: str) -> None:
    print(f"note: {note}", file=sys.stderr)


def _say_how_to_go_on(stopped: "Interrupted") -> None:
    print(f"error: interrupted at frame {stopped.frames} of {stopped.task.source}", file=sys.stderr)
    if stopped.resumable:
        print("hint: the same command with --resume goes on where it stopped", file=sys.stderr)


def _summarise(report: "CleanReport", *, to_stderr: bool) -> None:
    """One line on what was done, one for each file that needs a word."""
    for file in report.files:
        for line in _notes(file):
            print(line, file=sys.stderr)
    print(_summary(report), file=sys.stderr if to_stderr else sys.stdout)


def _notes(file: "FileReport") -> Iterator[str]:
    """What is worth knowing of one file, a line each."""
    if file.status == "failed":
        yield f"error: {file.error}"
        if file.hint:
            yield f"hint: {file.hint}"
    for stream in file.left_out:
        yield f"note: {file.target} holds no {stream} of the source"
    if file.not_finite:
        yield f"note: {file.target}: the network failed on {file.not_finite} frames (NaN)"
    if file.finding.status == "nothing":
        yield f"note: {file.source}: no mark was found that stands still while the scene moves"
    if file.finding.status == "undecidable":
        yield f"note: {file.source}: {file.finding.reason}"
    if file.finding.status in {"nothing", "undecidable"}:
        kept = "the result is the source, byte for byte" if file.copied else "no frame was changed"
        yield f"note: {kept}"
        yield "hint: show where the mark is with --mask, or take the network's word with --find network"


def _summary(report: "CleanReport") -> str:
    cleaned = [file for file in report.files if file.status == "cleaned"]
    kept = sum(file.status == "kept" for file in report.files)
    if len(report.files) == 1 and cleaned:
        names = [str(path) for path in (cleaned[0].target, cleaned[0].preview) if path]
        what = " and ".join(names)
    else:
        what = f"{len(cleaned)} of {len(report.files)} files cleaned" + (f", {kept} kept" if kept else "")
    again = sum(file.resumed_at for file in cleaned)
    resumed = f" after {again} of an earlier run" if again else ""
    speed = f"{report.frames} frames{resumed}, {report.fps:.1f} fps from file to file"
    return f"{what}: {speed} ({report.backend} on {report.device})"
