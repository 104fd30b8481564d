"""Means over the clips, and ours against the best baseline."""

from collections.abc import Iterable, Sequence
from typing import Any

from mlx_vader.evaluation.measuring import FIGURES, Row
from mlx_vader.evaluation.method import NOTHING


def summarise(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One entry for each artifact and severity, in the order of the rows.

    `methods`: the mean of every figure over the clips that have it. `spoiled`, `best_baseline` and `ours`: mean PSNR
    of whole frames, in dB; what a network gains over the spoiled clip and over the best baseline.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.artifact, row.severity), []).append(row)
    return [_entry(group) for group in groups.values()]


def _entry(rows: list[Row]) -> dict[str, Any]:
    methods = [
        _means([row for row in rows if row.method == name])
        for name in dict.fromkeys(row.method for row in rows)
    ]
    spoiled = next(method["psnr"] for method in methods if method["method"] == NOTHING.name)
    baselines = [item for item in methods if not item["ours"] and item["method"] != NOTHING.name]
    best = max(baselines, key=lambda item: item["psnr"], default=None)
    return {
        "artifact": rows[0].artifact,
        "severity": rows[0].severity,
        "kind": rows[0].kind,
        "clips": len({row.clip for row in rows}),
        "methods": methods,
        "spoiled": spoiled,
        "best_baseline": best and {"method": best["method"], "psnr": best["psnr"]},
        "ours": [
            {
                "method": item["method"],
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
    named = {"method": first.method, "ours": first.ours, "uses_mask": first.uses_mask}
    return named | {figure: _mean(getattr(row, figure) for row in rows) for figure in FIGURES}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
