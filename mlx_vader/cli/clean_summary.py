"""What `vader-mlx clean` says when it is done: what became of each file, and where to look next."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlx_vader.jobs.clean import CleanReport, FileReport
    from mlx_vader.process import Finding, FoundMark, RestoredBy

#: A mark of which the network is less sure is called doubtful.
DOUBTFUL = 0.75
#: Damaged frames that are so few seconds apart are told as one place; no more places than these are told.
SAME_PLACE, MOST_PLACES = 0.5, 6


def summarise(report: "CleanReport", find: str, *, to_stderr: bool) -> None:
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
    if file.copied_share and not file.copied:
        yield f"note: {file.target}: {file.copied_share:.0%} of the pictures are coded as they were"
    yield from _found(file)


def _found(file: "FileReport") -> Iterator[str]:
    """Which marks were removed, which were left, and how sure that is."""
    finding = file.finding
    for number, mark in enumerate(finding.marks, start=1):
        yield f"note: {file.source}: {_mark(number, mark)}"
    if why := conclusion(finding):
        yield f"note: {file.source}: {why}"
    if finding.fetched is not None:
        yield f"note: {file.source}: {finding.fetched:.0%} of what was filled came from other frames"
    if finding.restored is not None:
        yield f"note: {file.source}: {_restoration(finding.restored)}"
    if finding.changes_nothing:
        kept = "the result is the source, byte for byte" if file.copied else "no frame was changed"
        yield f"note: {kept}"


def conclusion(finding: "Finding") -> str:
    """What the finding says besides its marks; "" where they speak for themselves."""
    if finding.status == "nothing" and not finding.reason:
        return "no mark was found that stands still while the scene moves"
    return finding.reason


#: How a mark is removed, in words.
_TREATED = {
    "left": "left",
    "unblend": "subtracted",
    "propagate": "fetched from other frames",
    "fill": "filled",
    "network": "painted over by the network",
}


def _mark(number: int, mark: "FoundMark") -> str:
    """One mark in a line: what was done, where it is and when, what was measured of it, how sure that is."""
    x, y, width, height = mark.box
    facts = [f"{width}x{height} at {x},{y}"]
    if mark.first or mark.last is not None:
        facts.append(f"frames {mark.first} to {'the end' if mark.last is None else mark.last}")
    if mark.alpha is not None:
        facts.append(f"opacity {mark.alpha:.2f}")
    doubt = ", doubtful" if mark.confidence < DOUBTFUL else ""
    kind = "" if mark.kind == "static" else f" ({mark.kind})"
    done = _TREATED.get(mark.treated, "removed")
    return f"mark {number}{kind} {done}, {', '.join(facts)} ({mark.confidence:.0%} sure{doubt})"


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
    left = [file for file in report.files if file.candidates]
    if left:
        first = next(n for n, mark in enumerate(left[0].finding.marks, start=1) if mark.treated == "left")
        yield f"{left[0].candidates} shows what was left; --marks {first} removes mark {first} and no other"
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
