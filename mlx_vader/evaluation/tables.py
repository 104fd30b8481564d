"""The summary as tables of text, one an artifact: what the screen and the page show."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from mlx_vader.evaluation.method import NOTHING

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
    Column("psnr_mask", "in mask", 2, more_is_better=True),
    Column("psnr_outside", "outside", 2, more_is_better=True),
    Column("ssim", "SSIM", 4, more_is_better=True),
    Column("lpips", "LPIPS", 3, more_is_better=False),
    Column("mask_iou", "mask IoU", 2, more_is_better=True),
    Column("warping_error", "warping ×10⁻³", 2, more_is_better=False, factor=1e3),
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
    """One table for each artifact of a summary; `perceptual` is the name of what stands under LPIPS."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in summary:
        groups.setdefault(entry["artifact"], []).append(entry)
    return [_table(artifact, entries, perceptual) for artifact, entries in groups.items()]


def gains(summary: Sequence[dict[str, Any]]) -> list[Gain]:
    """Ours against the spoiled clip and against the best baseline: a line for each network, artifact and severity.

    At the end, where there are several overlays, a line for each network with their mean inside the mask.
    """
    lines = [
        Gain(
            entry["artifact"],
            entry["severity"],
            f"{entry['spoiled']:.2f}",
            _baseline(entry["best_baseline"]),
            ours["method"],
            f"{ours['psnr']:.2f}",
            # A clip that nothing was wrong with cannot be improved.
            None if entry["kind"] == "clean" else ours["over_spoiled"],
            ours["over_baseline"],
        )
        for entry in summary
        for ours in entry["ours"]
    ]
    overlays = [
        entry
        for entry in summary
        if entry["kind"] == "overlay" and all(method["psnr_mask"] is not None for method in entry["methods"])
    ]
    return lines + (_inside(overlays) if len(overlays) > 1 else [])


def _inside(overlays: list[dict[str, Any]]) -> list[Gain]:
    """Means over overlays of the PSNR inside the mask; the baseline is the best one of each overlay."""
    ours = {method["method"]: method["ours"] for method in overlays[0]["methods"]}
    inside = [{method["method"]: method["psnr_mask"] for method in entry["methods"]} for entry in overlays]
    baselines = [name for name in ours if not ours[name] and name != NOTHING.name]
    before = fmean(figures[NOTHING.name] for figures in inside)
    best = fmean(max(figures[name] for name in baselines) for figures in inside) if baselines else None
    after = {name: fmean(figures[name] for figures in inside) for name in ours if ours[name]}
    return [
        Gain(
            "overlays, in mask",
            MEAN,
            f"{before:.2f}",
            "–" if best is None else f"{best:.2f} the best of each",
            name,
            f"{mean:.2f}",
            mean - before,
            None if best is None else mean - best,
        )
        for name, mean in after.items()
    ]


def decibels(gain: float | None) -> str:
    """`+1.23`, or a dash."""
    return "–" if gain is None else f"{round(gain, 2) + 0.0:+.2f}"  # no "-0.00"


def _table(artifact: str, entries: list[dict[str, Any]], perceptual: str | None) -> Table:
    clips = entries[0]["clips"]
    columns = tuple(
        column
        for column in COLUMNS
        if any(method[column.key] is not None for entry in entries for method in entry["methods"])
    )
    lines = [line for entry in entries for line in _lines(entry, columns)]
    named = tuple(
        column._replace(heading=perceptual) if column.key == "lpips" and perceptual else column
        for column in columns
    )
    return Table(f"{artifact}, mean of {clips} clip{'s' * (clips != 1)}", named, tuple(lines))


def _lines(entry: dict[str, Any], columns: tuple[Column, ...]) -> Iterable[Line]:
    methods = entry["methods"]
    best = {column: _best(column, methods) for column in columns}
    for index, method in enumerate(methods):
        cells = tuple(_cell(column, method[column.key], best[column]) for column in columns)
        yield Line(entry["severity"], method["method"], method["ours"], cells, index == 0)


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
    return f"{best['psnr']:.2f} {best['method']}" if best else "–"
