"""The summary as tables of text, one an artifact: what the screen and the page show."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from mlx_vader.evaluation.case import HOLES, MASKED_KINDS
from mlx_vader.evaluation.given_masks import EXACT
from mlx_vader.evaluation.method import CONTROLS, NOTHING, RE_ENCODED
from mlx_vader.evaluation.summary import over_all

#: Stands for a severity in lines that are means over several.
MEAN = "mean"


class Column(NamedTuple):
    """A figure: its key in the rows, its heading, its unit's factor and digits, and whether more is better."""

    key: str
    heading: str
    digits: int
    more_is_better: bool
    factor: float = 1.0


COLUMNS = (
    Column("psnr", "PSNR", 2, more_is_better=True),
    Column("psnr_worst", "worst frame", 2, more_is_better=True),
    Column("psnr_mask", "in mask", 2, more_is_better=True),
    Column("psnr_outside", "outside", 2, more_is_better=True),
    Column("ssim", "SSIM", 4, more_is_better=True),
    Column("lpips", "LPIPS", 3, more_is_better=False),
    Column("mask_iou", "mask IoU", 2, more_is_better=True),
    Column("warping_error", "warping ×10⁻³", 2, more_is_better=False, factor=1e3),
    Column("flicker", "flicker", 2, more_is_better=False),
    Column("seconds_per_frame", "s/frame", 3, more_is_better=False),
)
#: What counts where something was filled; rows have the other figures, too.
HOLE_COLUMNS = (
    Column("psnr_mask", "in mask", 2, more_is_better=True),
    Column("ciede2000", "ΔE₀₀", 2, more_is_better=False),
    Column("lpips", "LPIPS", 3, more_is_better=False),
    Column("warping_error_mask", "warping ×10⁻³", 2, more_is_better=False, factor=1e3),
    Column("flicker", "flicker", 2, more_is_better=False),
    Column("boundary_error", "boundary ×10⁻³", 2, more_is_better=False, factor=1e3),
    Column("fid", "FID", 1, more_is_better=False),
    Column("quality", "Q", 3, more_is_better=True),
    Column("seconds_per_frame", "s/frame", 3, more_is_better=False),
)


class Cell(NamedTuple):
    """A figure as text, and whether it is the best of its column."""

    text: str
    best: bool = False


class Line(NamedTuple):
    """What one method made of it."""

    severity: str
    method: str
    ours: bool
    cells: tuple[Cell, ...]
    first: bool


@dataclass(frozen=True)
class Table:
    """An artifact, at each severity. `columns`: those that have a figure."""

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


class Gain(NamedTuple):
    """One line of the end: PSNR in dB as text, spoiled, of the best baseline, of ours, and what ours gains."""

    artifact: str
    severity: str
    spoiled: str
    baseline: str
    network: str
    psnr: str
    over_spoiled: float | None
    over_baseline: float | None


def tables(summary: Sequence[dict[str, Any]], perceptual: str | None = None) -> list[Table]:
    """One table for each artifact of a summary, and means over each kind with masks where there are several.

    `perceptual` is the name of what stands under LPIPS.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in summary:
        groups.setdefault(entry["artifact"], []).append(entry)
    found = [_table(artifact, entries, perceptual) for artifact, entries in groups.items()]
    means = ((f"{kind}s", entries) for kind, entries in _masked(summary) if len(entries) > 1)
    return found + [
        _of(
            f"{name}, mean of {len(entries)} kinds",
            [(MEAN, over_all(entries))],
            entries[0]["kind"],
            perceptual,
        )
        for name, entries in means
    ]


def gains(summary: Sequence[dict[str, Any]]) -> list[Gain]:
    """Ours against the spoiled clip and the best baseline: a line for each of ours, artifact and severity.

    Ours has no mask or the first one there; the baseline the mask that suits it best. At the end, where there are
    several of a kind with masks, lines with their mean inside the true mask, for each mask that ours was given.
    """
    lines = [
        Gain(
            entry["artifact"],
            entry["severity"],
            f"{entry['spoiled']:.2f}",
            _baseline(entry["best_baseline"]),
            labelled(ours),
            f"{ours['psnr']:.2f}",
            # A clip that nothing was wrong with cannot be improved.
            None if entry["kind"] == "clean" else ours["over_spoiled"],
            ours["over_baseline"],
        )
        for entry in summary
        for ours in entry["ours"]
        if ours["mask"] in (None, _first_mask(entry))
    ]
    return lines + [
        gain
        for kind, entries in _masked(summary)
        if len(entries) > 1
        for gain in _inside(f"{kind}s, in mask", entries)
    ]


def labelled(method: dict[str, Any]) -> str:
    """The method's name, and the mask that it was given where that is not the exact one."""
    return method["method"] if method["mask"] in (None, EXACT) else f"{method['method']}, {method['mask']}"


def _masked(summary: Sequence[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The entries of each kind whose figures inside the mask are all known."""
    return [
        (
            kind,
            [
                entry
                for entry in summary
                if entry["kind"] == kind
                and all(method["psnr_mask"] is not None for method in entry["methods"])
            ],
        )
        for kind in MASKED_KINDS
    ]


def _first_mask(entry: dict[str, Any]) -> str | None:
    return next((method["mask"] for method in entry["methods"] if method["mask"]), None)


def _inside(name: str, entries: list[dict[str, Any]]) -> list[Gain]:
    """Means of the PSNR inside the mask; the baseline is the best one of each entry, with any mask."""
    means = over_all(entries)
    before = next(item["psnr_mask"] for item in means if item["method"] == NOTHING.name)
    tried = [_baselines(entry["methods"]) for entry in entries]
    best = fmean(max(item["psnr_mask"] for item in items) for items in tried) if all(tried) else None
    return [
        Gain(
            name,
            MEAN,
            f"{before:.2f}",
            "–" if best is None else f"{best:.2f} the best of each",
            labelled(item),
            f"{item['psnr_mask']:.2f}",
            item["psnr_mask"] - before,
            None if best is None else item["psnr_mask"] - best,
        )
        for item in means
        if item["ours"]
    ]


def _baselines(methods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in methods if not item["ours"] and item["method"] not in CONTROLS]


def decibels(gain: float | None) -> str:
    """`+1.23`, or a dash."""
    return "–" if gain is None else f"{round(gain, 2) + 0.0:+.2f}"  # no "-0.00"


def _table(artifact: str, entries: list[dict[str, Any]], perceptual: str | None) -> Table:
    counts = {entry["clips"] for entry in entries}
    clips = " to ".join(str(count) for count in sorted({min(counts), max(counts)}))
    severities = [(entry["severity"], entry["methods"]) for entry in entries]
    title = f"{artifact}, mean of {clips} clip{'s' * (counts != {1})}"
    return _of(title, severities, entries[0]["kind"], perceptual)


def _of(
    title: str, severities: list[tuple[str, list[dict[str, Any]]]], kind: str, perceptual: str | None
) -> Table:
    columns = tuple(
        column
        for column in (HOLE_COLUMNS if kind in HOLES else COLUMNS)
        if any(method[column.key] is not None for _, methods in severities for method in methods)
    )
    lines = [line for severity, methods in severities for line in _lines(severity, methods, columns)]
    named = tuple(
        column._replace(heading=perceptual) if column.key == "lpips" and perceptual else column
        for column in columns
    )
    return Table(title, named, tuple(lines))


def _lines(severity: str, methods: list[dict[str, Any]], columns: tuple[Column, ...]) -> Iterable[Line]:
    # What would be without the overlay is not the best of the methods.
    tried = [item for item in methods if item["method"] != RE_ENCODED.name]
    best = {column: _best(column, tried) for column in columns}
    before = None
    for method in methods:
        name = method["method"]
        control = name == RE_ENCODED.name
        cells = tuple(
            _cell(column, method[column.key], None if control else best[column]) for column in columns
        )
        # With another mask than before it is the same method.
        shown = labelled(method) if name != before else f"· {method['mask']}"
        yield Line(severity, shown, method["ours"], cells, before is None)
        before = name


def _best(column: Column, methods: list[dict[str, Any]]) -> str | None:
    """The best figure as it is shown: equal ones are all best. None where there is nothing to choose, as for time."""
    values = [method[column.key] for method in methods if method[column.key] is not None]
    if len(values) < 2 or column.key == "seconds_per_frame":
        return None
    return _text(column, max(values) if column.more_is_better else min(values))


def _cell(column: Column, value: float | None, best: str | None) -> Cell:
    text = "" if value is None else _text(column, value)
    return Cell(text, bool(text) and text == best)


def _text(column: Column, value: float) -> str:
    if column.key == "seconds_per_frame" and value >= 1:
        return f"{value:.1f}"
    return "∞" if math.isinf(value) else f"{value * column.factor:.{column.digits}f}"


def _baseline(best: dict[str, Any] | None) -> str:
    return f"{best['psnr']:.2f} {labelled(best)}" if best else "–"
