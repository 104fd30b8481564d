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

from mlx_vader.cli.options import with_options
from mlx_vader.jobs.options import CleanOptions

if TYPE_CHECKING:
    from mlx_vader.jobs.clean import Beginning, CleanReport, FileReport, Interrupted, Progress
    from mlx_vader.jobs.plan import Task
    from mlx_vader.process import RestoredBy

#: A mark of which the network is less sure is called doubtful.
DOUBTFUL = 0.75
#: Seconds of work after which the speed tells how long the rest will take.
SECONDS_TO_ESTIMATE = 10

#: Damaged frames that are so few seconds apart are told as one place; no more places than these are told.
SAME_PLACE, MOST_PLACES = 0.5, 6

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

    vader-mlx clean clip.mp4 --find network           all that seems a mark
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
    from mlx_vader.cli.console import check_results, emit_json
    from mlx_vader.jobs import clean as library

    check_results([], json)
    stopped = None
    with _progress_bar() as on_progress:
        try:
            report = library.clean(
                inputs,
                out,
                on_begin=_announce,
                on_progress=on_progress,
                on_note=_say,
                also_written=[json],
                **options,
            )
        except library.Interrupted as interruption:
            stopped = interruption
    if stopped is not None:
        _say_how_to_go_on(stopped)
        raise typer.Exit(130)
    if json is not None:
        emit_json(report.as_dict(), json)
    _summarise(report, options["find"], to_stderr=str(json) == "-")
    if report.failures:
        raise typer.Exit(1)


def _announce(beginning: "Beginning") -> None:
    """Says what will be done, with what, and where the result goes."""
    from mlx_vader.cli.console import announce

    tasks, options = beginning.tasks, beginning.options
    first = tasks[0]
    alone = len(tasks) == 1
    announce(
        f"cleaning {first.source}" if alone else f"cleaning {len(tasks)} files",
        {
            "to": str(first.target) if alone else f"{_common_folder(tasks)}{os.sep}",
            "preview": str(first.preview) if options.preview and alone else "",
            "network": f"{_network(beginning)}, {beginning.backend} on {beginning.device}",
            "touches": _touched(beginning),
            "fill": options.fill if options.mask or beginning.looks_for_marks else "",
            "restores": "" if options.restore == "none" else _restored(options.restore),
            "codec": "" if all(task.is_image for task in tasks) else f"{options.codec}, CRF {options.crf}",
        },
    )


def _common_folder(tasks: "Sequence[Task]") -> str:
    return os.path.commonpath([task.target.parent.absolute() for task in tasks])


def _only_restores(beginning: "Beginning") -> bool:
    """Whether `--restore` is all that there is to do."""
    no_marks = beginning.options.mask is None and not beginning.looks_for_marks
    return no_marks and beginning.options.restore != "none"


def _network(beginning: "Beginning") -> str:
    options = beginning.options
    return str(options.restore if _only_restores(beginning) else options.checkpoint)


def _restored(restore: str) -> str:
    if restore == "auto":
        return "the whole picture, as far as noise and coding call for it"
    return f"the whole picture, by {restore}"


def _touched(beginning: "Beginning") -> str:
    options = beginning.options
    if _only_restores(beginning):
        return ""
    if options.mask is not None:
        return f"what is white in {options.mask}"
    if not beginning.looks_for_marks:
        return "the whole picture, against noise and the like; no marks are looked for"
    return {
        "auto": "marks that stand still while the scene moves",
        "static": "marks that stand still while the scene moves, found by what its pixels do over time",
        "network": "all that the network takes for marks",
    }[options.find]


@contextmanager
def _progress_bar() -> "Iterator[Callable[[Progress], None]]":
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
            if began[0] != now.number:
                began = now.number, now.frames, time.monotonic()
            seconds, frames = time.monotonic() - began[2], now.frames - began[1]
            if (
                estimated != now.number
                and frames
                and seconds > SECONDS_TO_ESTIMATE
                and now.frames < now.total
            ):
                estimated = now.number
                _say(f"{now.source.name}: {_estimate(frames, now.total - began[1], seconds)}")
            place = f" ({now.number}/{now.files})" if now.files > 1 else ""
            note = f"{frames / seconds:.1f} fps" if frames and seconds else now.step
            advance(0, completed=now.frames, total=now.total, description=now.source.name + place, note=note)

        yield on_progress


def _estimate(frames: int, total: int, seconds: float) -> str:
    """What is left of a file, at the speed so far."""
    left = timedelta(seconds=round((total - frames) * seconds / frames))
    return f"{total} frames at {frames / seconds:.1f} fps: about {left} to go"


def _say(note: str) -> None:
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


def _summarise(report: "CleanReport", find: str, *, to_stderr: bool) -> None:
    """One line on what was done, one for each file that needs a word, and what to do where a mark stays."""
    for file in report.files:
        for line in _notes(file):
            print(line, file=sys.stderr)
    print(_summary(report), file=sys.stderr if to_stderr else sys.stdout)
    for hint in _hints(report, find):
        print(f"hint: {hint}", file=sys.stderr)


def _notes(file: "FileReport") -> Iterator[str]:
    """What is worth knowing of one file, a line each."""
    if file.status == "failed":
        yield f"error: {file.error}"
        if file.hint:
            yield f"hint: {file.hint}"
    for stream in file.left_out:
        yield f"note: {file.target} holds no {stream} of the source"
    if file.damaged:
        yield f"note: {file.source}: {_damage(file)}"
    if file.not_finite:
        yield f"note: {file.target}: the network failed on {file.not_finite} frames (NaN)"
    yield from _found(file)


def _found(file: "FileReport") -> Iterator[str]:
    """Which marks were removed, which were left, and how sure that is."""
    finding = file.finding
    for mark in finding.marks:
        x, y, width, height = mark.box
        done = "left" if mark.treated == "left" else "removed"
        doubt = ", doubtful" if mark.confidence < DOUBTFUL else ""
        yield f"note: {file.source}: a mark {done}, {width}x{height} at {x},{y} ({mark.confidence:.0%} sure{doubt})"
    if finding.status == "nothing":
        yield f"note: {file.source}: no mark was found that stands still while the scene moves"
    if finding.status == "undecidable":
        yield f"note: {file.source}: {finding.reason}"
    if finding.restored is not None:
        yield f"note: {file.source}: {_restoration(finding.restored)}"
    if finding.changes_nothing:
        kept = "the result is the source, byte for byte" if file.copied else "no frame was changed"
        yield f"note: {kept}"


def _restoration(restored: "RestoredBy") -> str:
    """What was measured of the picture, and what was done about it."""
    done = f"restored by {restored.network}" if restored.strength else "the picture is not restored"
    if restored.noise is None or restored.blockiness is None:
        return done
    share = f", at {restored.strength:.0%}" if restored.strength else ""
    blocks = f"blocks of coding that stand out by {restored.blockiness:.0%}"
    coded = f", coding in steps of {restored.quantiser:.0f}" if restored.quantiser is not None else ""
    return f"noise of {restored.noise:.1f} levels, {blocks}{coded}: {done}{share}"


def _hints(report: "CleanReport", find: str) -> Iterator[str]:
    """What to look at next, and what to do where marks stay."""
    outcomes = {file.finding.status for file in report.files if file.status == "cleaned"}
    if outcomes & {"nothing", "undecidable"}:
        yield "show where the mark is with --mask, or take the network's word with --find network"
    elif "found" in outcomes:
        yield "does a mark stay? show where it is with --mask"
    elif find == "network" and "unasked" in outcomes:
        yield "look at the result: what is no mark may be gone too; --mask keeps to what you show"
    else:
        return
    yield "a mask is a frame saved from a player, painted white on the mark and black elsewhere"


def _damage(file: "FileReport") -> str:
    """How many frames of the source are damaged, and where."""
    places: list[list[float]] = []
    for seconds in file.damaged:
        if places and seconds - places[-1][1] < SAME_PLACE:
            places[-1][1] = seconds
        else:
            places.append([seconds, seconds])
    shown = [f"{first:.2f}" + (f" to {last:.2f}" if last > first else "") for first, last in places]
    more = f" and {len(shown) - MOST_PLACES} more places" if len(shown) > MOST_PLACES else ""
    least = "at least " if file.copied else ""
    verb = "is" if len(file.damaged) == 1 else "are"
    count = f"{least}{len(file.damaged)} of {file.frames} frames {verb} damaged"
    return f"{count}, at {', '.join(shown[:MOST_PLACES])} s{more}"


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
