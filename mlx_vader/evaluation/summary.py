"""Means over the clips, and ours against the best baseline."""

from collections.abc import Iterable, Sequence
from typing import Any

from mlx_vader.evaluation.measuring import FIGURES, Row
from mlx_vader.evaluation.method import CONTROLS, NOTHING

#: Of the worst frame the lowest counts, not the mean.
LOWEST = "psnr_worst"


def summarise(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry for each artifact and severity, in the order of the rows.

    `methods`: each with each mask that it was given; the mean of every figure over the clips that have it, of
    `psnr_worst` the lowest. `spoiled`, `best_baseline` and `ours`: mean PSNR of whole frames, in dB; what ours gains
    over the spoiled clip and over the best baseline with the mask that suits it best.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.artifact, row.severity), []).append(row)
    return [_entry(group) for group in groups.values()]


def over_all(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The methods and masks that every one of some entries has, with the mean of each figure over the entries."""
    tables = [{(item["method"], item["mask"]): item for item in entry["methods"]} for entry in entries]
    shared = [key for key in tables[0] if all(key in table for table in tables)]
    return [
        tables[0][key]
        | {figure: _joined(figure, (table[key][figure] for table in tables)) for figure in FIGURES}
        for key in shared
    ]


def _entry(rows: list[Row]) -> dict[str, Any]:
    methods = [
        _means([row for row in rows if (row.method, row.mask) == key])
        for key in dict.fromkeys((row.method, row.mask) for row in rows)
    ]
    spoiled = next(method["psnr"] for method in methods if method["method"] == NOTHING.name)
    baselines = [item for item in methods if not item["ours"] and item["method"] not in CONTROLS]
    best = max(baselines, key=lambda item: item["psnr"], default=None)
    return {
        "artifact": rows[0].artifact,
        "severity": rows[0].severity,
        "kind": rows[0].kind,
        "clips": len({row.clip for row in rows}),
        "methods": methods,
        "spoiled": spoiled,
        "best_baseline": best and {key: best[key] for key in ("method", "mask", "psnr")},
        "ours": [
            {
                "method": item["method"],
                "mask": item["mask"],
                "psnr": item["psnr"],
                "over_spoiled": item["psnr"] - spoiled,
                "over_baseline": item["psnr"] - best["psnr"] if best else None,
            }
            for item in methods
            if item["ours"]
        ],
    }


def _means(rows: list[Row]) -> dict[str, Any]:
    first = rows[0]
    named = {"method": first.method, "mask": first.mask, "ours": first.ours, "uses_mask": first.uses_mask}
    return named | {figure: _joined(figure, (getattr(row, figure) for row in rows)) for figure in FIGURES}


def _joined(figure: str, values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return min(known) if figure == LOWEST else sum(known) / len(known)
