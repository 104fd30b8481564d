"""An evaluation as one self-contained page: gains, a table for each artifact, crops side by side. Light and dark."""

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from PIL import Image

from mlx_vader.arrays import Frame
from mlx_vader.evaluation.evaluation import Trial
from mlx_vader.evaluation.method import NOTHING
from mlx_vader.evaluation.tables import MEAN, Gain, Table, decibels, gains, tables
from mlx_vader.levels import to_levels

#: Pixels of a crop's side.
SIDE = 144
#: What stands under a clip that nothing restored: spoiled ones, and clean ones.
_SPOILED = ("spoiled", "untouched")


class Pictures:
    """Crops of each case, from one clip: the next case shows the next clip, so all are seen on a small page."""

    def __init__(self, clips: Sequence[str]) -> None:
        self._clips = list(clips)
        self._shown: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self._clip_of: dict[tuple[str, str], str] = {}

    def add(self, trial: Trial) -> None:
        """Keeps the crops of a trial if its clip is the one that is shown of its case."""
        case = trial.row.artifact, trial.row.severity
        shown = self._clip_of.setdefault(case, self._clips[len(self._clip_of) % len(self._clips)])
        if trial.row.clip != shown:
            return
        middle = len(trial.clean) // 2
        changed = np.abs(trial.spoiled[middle] - trial.clean[middle]).mean(-1)
        marked = changed if trial.mask is None or not trial.mask[middle].any() else trial.mask[middle, ..., 0]
        window = busiest(marked, SIDE)
        panels = self._shown.setdefault(case, [])
        if not panels:
            panels.append(("clean", _data_uri(trial.clean[middle][window])))
        caption = (
            _SPOILED[trial.row.kind == "clean"] if trial.row.method == NOTHING.name else trial.row.method
        )
        panels.append((f"{caption}\n{trial.row.psnr:.2f} dB", _data_uri(trial.restored[middle][window])))

    def html(self, artifact: str) -> str:
        """The crops of an artifact, a row for each severity."""
        return "".join(
            f"<h3>{escape(f'{severity}, {self._clip_of[name, severity]}')}</h3>"
            f'<div class="crops">{"".join(_figure(*panel) for panel in panels)}</div>'
            for name, severity in self._clip_of
            if name == artifact and (panels := self._shown.get((name, severity)))
        )


def page(result: dict[str, Any], pictures: Pictures) -> str:
    """HTML of an `Evaluation.as_dict`. Loads nothing from elsewhere."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    summary = result["summary"]
    clips = len(result["clips"])
    title = f"Evaluation on {clips} clip{'s' * (clips != 1)}"
    artifacts = dict.fromkeys(entry["artifact"] for entry in summary)
    shown = tables(summary, result["lpips"])
    parts = [
        f"<h1>{title}</h1>",
        f"<p class=dim>{escape(_facts(result))}</p>",
        f"<h2>Gains</h2>{_gains(summary)}",
        *(
            f'<section id="{escape(artifact)}"><h2>{escape(table.title)}</h2>'
            f"{_table(table)}{pictures.html(artifact)}</section>"
            for artifact, table in zip(artifacts, shown, strict=False)
        ),
        # Means over several artifacts stand after the last of them, and have no pictures.
        *(
            f"<section><h2>{escape(table.title)}</h2>{_table(table)}</section>"
            for table in shown[len(artifacts) :]
        ),
        f"<h2>Methods</h2>{_methods(result)}",
    ]
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>\n<style>\n{style}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def busiest(weights: Float32[np.ndarray, "h w"], side: int) -> tuple[slice, slice]:
    """The square of `side` pixels, or less in smaller frames, with the largest sum, nearest to the sum's middle."""
    height, width = weights.shape
    rows, columns = min(side, height), min(side, width)
    sums = np.pad(weights.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[rows:, columns:] - sums[:-rows, columns:] - sums[rows:, :-columns] + sums[:-rows, :-columns]
    best = np.argwhere(inside >= inside.max() * (1 - 1e-9))
    total = max(float(weights.sum()), 1e-12)
    middle = np.array([(weights.sum(1) @ np.arange(height)), (weights.sum(0) @ np.arange(width))]) / total
    top, left = best[np.square(best + np.array([rows, columns]) / 2 - middle).sum(1).argmin()]
    return slice(int(top), int(top) + rows), slice(int(left), int(left) + columns)


def _facts(result: dict[str, Any]) -> str:
    where = dict.fromkeys(method["where"] for method in result["methods"])
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines = f"at most {result['height']} lines" if result["height"] else "in their own size"
    return (
        f"Measured: up to {result['frames']} frames a clip, {lines}. "
        f"Networks: {', '.join(name for name in where if name != 'CPU') or 'none'}; baselines: CPU. "
        f"PSNR in dB; crops are of the middle frame. {versions}."
    )


def _gains(summary: Sequence[dict[str, Any]]) -> str:
    heads = (
        "artifact",
        "severity",
        "#spoiled, dB",
        "best baseline, dB",
        "ours",
        "#dB",
        "#over spoiled",
        "#over baseline",
    )
    rows = [
        f"<tr><td>{_linked(line)}</td><td>{escape(line.severity)}</td>"
        f"<td class=number>{line.spoiled}</td><td>{escape(line.baseline)}</td><td>{escape(line.network)}</td>"
        f"<td class=number>{line.psnr}</td>{_signed(line.over_spoiled)}{_signed(line.over_baseline)}</tr>"
        for line in gains(summary)
    ]
    return _wrapped(heads, rows)


def _linked(line: Gain) -> str:
    name = escape(line.artifact)
    return name if line.severity == MEAN else f'<a href="#{name}">{name}</a>'


def _signed(gain: float | None) -> str:
    better = "" if gain is None else " better" if gain > 0 else " worse" if gain < 0 else ""
    return f'<td class="number{better}">{decibels(gain)}</td>'


def _table(table: Table) -> str:
    rows = [
        f'<tr class="{"ours" if line.ours else ""}{" first" if line.first else ""}">'
        f"<td>{escape(line.severity) if line.first else ''}</td><td>{escape(line.method)}</td>"
        + "".join(
            f"<td class=number>{f'<b>{cell.text}</b>' if cell.best else cell.text}</td>"
            for cell in line.cells
        )
        + "</tr>"
        for line in table.lines
    ]
    return _wrapped(("severity", "method", *(f"#{column.heading}" for column in table.columns)), rows)


def _methods(result: dict[str, Any]) -> str:
    rows = [
        f"<tr><td>{escape(method['method'])}</td><td>{escape(method['settings'])}</td><td>{escape(method['where'])}</td></tr>"
        for method in result["methods"]
    ]
    rows += [
        f"<tr><td>{escape(name)}</td><td colspan=2 class=dim>left out: {escape(reason)}</td></tr>"
        for name, reason in result["missing"].items()
    ]
    return _wrapped(("method", "settings", "where"), rows)


def _wrapped(heads: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(
        f"<th{' class=number' if name.startswith('#') else ''}>{escape(name.lstrip('#'))}</th>"
        for name in heads
    )
    body = "\n".join(rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'


def _figure(caption: str, picture: str) -> str:
    return f'<figure><img src="{picture}" alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'


def _data_uri(frame: Frame) -> str:
    file = io.BytesIO()
    Image.fromarray(to_levels(frame)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
