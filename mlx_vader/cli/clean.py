"""`vader-mlx clean`: removes artifacts from videos, images and folders of them."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_vader.cli.options import Inputs, JsonReport, with_options
from mlx_vader.jobs.options import CleanOptions

if TYPE_CHECKING:
    from mlx_vader.jobs.clean import Beginning, CleanReport, Interrupted, Progress
    from mlx_vader.jobs.plan import Task

#: Seconds of work after which the speed tells how long the rest will take.
SECONDS_TO_ESTIMATE = 10

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

    vader-mlx clean clip.mp4 --marks 1,3              these of those listed

    vader-mlx clean clip.mp4 --mask logo.png          only where it is white

    vader-mlx clean clip.mp4 --box 1080,40,160,60     only in this box

    vader-mlx clean clip.mp4 --mark learned.png       a mark that is known

    vader-mlx clean clip.mp4 --find network           all that seems a mark
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("clean", help=HELP)(clean)


@with_options
def clean(
    inputs: Inputs,
    *,
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", help="File, or folder for several; INPUT.clean.EXT beside it if not given."
        ),
    ] = None,
    options: Annotated[dict, CleanOptions],
    json: JsonReport = None,
) -> None:
    """See `HELP`."""
    from mlx_vader.jobs.clean import clean as library

    carry_out(library, inputs, out, options, _announce, options["find"], json)


def carry_out(
    library: "Callable[..., CleanReport]",
    inputs: list[Path],
    out: str | None,
    options: dict,
    announce: "Callable[[Beginning], None]",
    find: str,
    json: Path | None,
) -> None:
    """Runs `clean`, or what works on files as it does, and says what it does and did. `find`: what is looked for."""
    from mlx_vader.cli.clean_summary import summarise
    from mlx_vader.cli.console import check_results, emit_json
    from mlx_vader.jobs.clean import Interrupted

    check_results([], json)
    stopped = None
    with progress_bar() as on_progress:
        try:
            report = library(
                inputs,
                out,
                on_begin=announce,
                on_progress=on_progress,
                on_note=say_note,
                also_written=[json],
                **options,
            )
        except Interrupted as interruption:
            stopped = interruption
    if stopped is not None:
        _say_how_to_go_on(stopped)
        raise typer.Exit(130)
    if json is not None:
        emit_json(report.as_dict(), json)
    summarise(report, find, to_stderr=str(json) == "-")
    if report.failures:
        raise typer.Exit(1)


def _announce(beginning: "Beginning") -> None:
    """Says what will be done, with what, and where the result goes."""
    from mlx_vader.cli.console import announce

    options = beginning.options
    announce(
        f"cleaning {files_in_words(beginning)}",
        {
            **places_in_words(beginning),
            "network": beginning.network
            and f"{beginning.network}, {beginning.backend} on {beginning.device}",
            "touches": touched(options, looks_for_marks=beginning.looks_for_marks),
            "fill": options.fill if options.told or beginning.looks_for_marks else "",
            "restores": "" if options.restore == "none" else _restored(options.restore),
            "codec": codec_in_words(beginning),
        },
    )


def files_in_words(beginning: "Beginning") -> str:
    """The file that is worked on, or how many."""
    tasks = beginning.tasks
    return str(tasks[0].source) if len(tasks) == 1 else f"{len(tasks)} files"


def places_in_words(beginning: "Beginning") -> dict[str, str]:
    """Where results go."""
    tasks, first, alone = beginning.tasks, beginning.tasks[0], len(beginning.tasks) == 1
    return {
        "to": str(first.target) if alone else f"{_common_folder(tasks)}{os.sep}",
        "preview": str(first.preview) if beginning.options.preview and alone else "",
    }


def codec_in_words(beginning: "Beginning") -> str:
    """How videos are written; "" where there are none."""
    if all(task.is_image for task in beginning.tasks):
        return ""
    copied = "; what nothing touches is copied" if beginning.options.smart else ""
    return f"{beginning.options.codec}, CRF {beginning.options.crf}{copied}"


def _common_folder(tasks: "Sequence[Task]") -> str:
    return os.path.commonpath([task.target.parent.absolute() for task in tasks])


def _restored(restore: str) -> str:
    if restore == "auto":
        return "the whole picture, as far as noise and coding call for it"
    return f"the whole picture, by {restore}"


def touched(options: CleanOptions, *, looks_for_marks: bool) -> str:
    """Where pixels change, in words."""
    if options.told:
        told = [f"what is white in {options.mask}"] if options.mask is not None else []
        told += [f"the {kind} {text}" for kind in ("box", "polygon") for text in getattr(options, kind)]
        return ", ".join(told)
    if options.mark:
        return f"the mark in {', '.join(map(str, options.mark))}, where the video shows it"
    if not looks_for_marks:
        if options.restore != "none":
            return ""
        return "the whole picture, against noise and the like; no marks are looked for"
    return {
        "auto": "marks that stand still while the scene moves",
        "static": "marks that stand still while the scene moves",
        "all": "marks that stand still while the scene moves, text that comes and goes, marks that move",
        "network": "all that the network takes for marks",
    }[options.find]


@contextmanager
def progress_bar() -> "Iterator[Callable[[Progress], None]]":
    """Frames of the file at work, with frames a second and ETA; shown when work begins, starts over with each file."""
    from mlx_vader.cli.console import progress

    began: tuple[int, int, float] = (0, 0, 0.0)
    advance: Callable[..., None] | None = None
    estimated = 0

    with ExitStack() as shown:

        def on_progress(now: "Progress") -> None:
            nonlocal began, advance, estimated
            if advance is None:
                advance = shown.enter_context(progress(now.source.name, now.total))
            # Looking is no work on frames, and tells nothing of how fast that will be.
            if began[0] != now.number or now.step:
                began = now.number, now.frames, time.monotonic()
            seconds, frames = time.monotonic() - began[2], now.frames - began[1]
            if (
                estimated != now.number
                and frames
                and seconds > SECONDS_TO_ESTIMATE
                and now.frames < now.total
            ):
                estimated = now.number
                say_note(f"{now.source.name}: {_estimate(frames, now.total - began[1], seconds)}")
            place = f" ({now.number}/{now.files})" if now.files > 1 else ""
            note = f"{frames / seconds:.1f} fps" if frames and seconds else now.step
            advance(0, completed=now.frames, total=now.total, description=now.source.name + place, note=note)

        yield on_progress


def _estimate(frames: int, total: int, seconds: float) -> str:
    """What is left of a file, at the speed so far."""
    left = timedelta(seconds=round((total - frames) * seconds / frames))
    return f"{total} frames at {frames / seconds:.1f} fps: about {left} to go"


def say_note(note: str) -> None:
    print(f"note: {note}", file=sys.stderr)


def _say_how_to_go_on(stopped: "Interrupted") -> None:
    print(f"error: interrupted at frame {stopped.frames} of {stopped.task.source}", file=sys.stderr)
    kept = f"keeps the {stopped.done} before it and " if stopped.done else ""
    if stopped.resume_at is not None:
        hint = f"the same command with --resume {kept}goes on from frame {stopped.resume_at}"
    elif kept:
        hint = f"the same command with --resume {kept}begins this one anew"
    else:
        hint = "nothing was finished yet: the same command begins anew"
    print(f"hint: {hint}", file=sys.stderr)
