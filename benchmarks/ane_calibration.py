"""Measured against predicted on the calibration rows: the table of docs/inspect.md.

`python -m benchmarks.ane_calibration`
"""

from statistics import median

from convert.ane.calibration import Row, rows
from convert.ane.chips import chip


def table(found: list[Row]) -> str:
    """As Markdown."""
    lines = ["| chip | fp16 convolutions | measured ms | predicted ms | interval | error | source |"]
    lines += ["|---|---|---:|---:|---:|---:|---|"]
    lines += [
        f"| {chip(row.chip).name} | {row.name} | {row.measured:.2f} | {row.predicted:.2f} | "
        f"{row.low:.2f}–{row.high:.2f} | {row.error:+.0%} | {row.source} |"
        for row in found
    ]
    errors = [abs(row.error) for row in found]
    inside = sum(row.low <= row.measured <= row.high for row in found)
    summary = f"Median error {median(errors):.1%}, worst {max(errors):.1%}"
    return "\n".join([*lines, "", f"{summary}; {inside} of {len(found)} measurements lie in the interval."])


if __name__ == "__main__":
    print(table(rows()))
