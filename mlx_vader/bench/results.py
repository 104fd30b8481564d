"""A result of `bench`: its rows as JSON has them, and two results side by side."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlx_vader.errors import VaderError, missing
from mlx_vader.untrusted import parse_json


@dataclass
class Row:
    """A line of the result; keys are stable. Times in seconds but where the name says ms; no figure is a prediction.

    `fps`: the network alone, frame by frame, and that of the slowest and the fastest of the turns that were measured;
    `fps_end_to_end`: from file to file. `compile_s`: the first call.
    `passed` is `None` where no target speaks of the device.
    """

    res: str
    size: str
    backend: str
    unit: str
    kind: str = "measured"
    chip: str | None = None
    latency_ms_p50: float | None = None
    latency_ms_p95: float | None = None
    fps: float | None = None
    fps_slowest_turn: float | None = None
    fps_fastest_turn: float | None = None
    fps_end_to_end: float | None = None
    compile_s: float | None = None
    load_s: float | None = None
    peak_mib: float | None = None
    peak_device_mib: float | None = None
    thermal_state: dict[str, Any] | None = None
    target_fps: float | None = None
    target: str | None = None
    passed: bool | None = None
    frames: int = 0
    frames_per_call: int | None = None
    clip: str = ""
    strategy: str | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        # The earlier name of a key stays for those who read it.
        return asdict(self) | {"frames_a_call": self.frames_per_call}


@dataclass(frozen=True)
class _Compared:
    """What comparing needs of a row."""

    res: str
    backend: str
    unit: str
    fps: float | None
    fps_end_to_end: float | None
    latency_ms_p50: float | None
    size: str = ""


@dataclass(frozen=True)
class _Result:
    rows: tuple[_Compared, ...]


def read_result(path: Path) -> dict[str, Any]:
    """A result file that `bench --json` wrote. Raises `VaderError` for anything else."""
    if not path.exists():
        raise missing(path)
    hint = "make one with: vader-mlx bench --json FILE"
    try:
        text = path.read_bytes()
    except OSError as error:
        raise VaderError(f"cannot read {path}: {error.strerror}", hint) from error
    what = f"{path} is not a benchmark result"
    parse_json(text, _Result, what, hint, extra="ignore")
    result: dict[str, Any] = parse_json(text, dict[str, Any], what, hint)
    return result


def compare(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    """The configurations that both results have, with the frame rates of both and the second over the first.

    `ratio_low` and `ratio_high`: what the turns of both allow. `differs` is None where they allow 1: then the runs do
    not show which is faster. Results of earlier versions have no turns: their ratios have no bounds.
    """

    def key(row: dict[str, Any]) -> tuple[str, str, str]:
        return row.get("size") or row["res"], row["backend"], row["unit"]

    theirs = {key(row): row for row in second["rows"] if row["fps"]}
    pairs = [(row, theirs[key(row)]) for row in first["rows"] if row["fps"] and key(row) in theirs]
    return [
        {
            "res": a["res"],
            "backend": a["backend"],
            "unit": a["unit"],
            "fps": [a["fps"], b["fps"]],
            "latency_ms_p50": [a["latency_ms_p50"], b["latency_ms_p50"]],
            "fps_end_to_end": [a["fps_end_to_end"], b["fps_end_to_end"]],
            "frames": [a.get("frames"), b.get("frames")],
            **_ratios(a, b),
        }
        for a, b in pairs
    ]


def _ratios(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    ratio = b["fps"] / a["fps"]
    turns = ("fps_slowest_turn", "fps_fastest_turn")
    if not all(row.get(turn) for row in (a, b) for turn in turns):
        return {"ratio": ratio, "ratio_low": None, "ratio_high": None, "differs": None}
    slowest, fastest = turns
    low, high = b[slowest] / a[fastest], b[fastest] / a[slowest]
    differs = "faster" if low > 1 else "slower" if high < 1 else None
    return {"ratio": ratio, "ratio_low": low, "ratio_high": high, "differs": differs}


def differences(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What else than the speed differs between two results, by name: then the ratios do not tell why."""

    def facts(result: dict[str, Any]) -> dict[str, str]:
        rows = result["rows"]
        each = {
            name: ", ".join(sorted({str(row[name]) for row in rows if row.get(name)}))
            for name in ("clip", "frames", "kind")
        }
        versions = {f"version of {name}": str(it) for name, it in dict(result.get("versions") or {}).items()}
        whole = {name: str(result.get(name) or "") for name in ("device", "checkpoint")}
        return whole | each | versions

    a, b = facts(first), facts(second)
    return {name: (a[name], b[name]) for name in a.keys() & b.keys() if a[name] != b[name]}


def check(rows: list[dict[str, Any]]) -> None:
    """Raises `VaderError` where nothing was measured, or compared."""
    if not rows:
        raise VaderError(
            "the two results have no configuration in common", hint="use the same --res and --backend"
        )
    if all(row.get("error") for row in rows):
        raise VaderError(
            f"nothing could be measured: {rows[0]['error']}", hint="vader-mlx doctor says what works here"
        )
