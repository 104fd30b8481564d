"""A benchmark run: configurations in processes of their own, measured by turns, into one value."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.shapes import Size
from mlx_vader.bench.clips import MeasuredClip, prepare
from mlx_vader.bench.machine import chip, thermal_state, versions
from mlx_vader.bench.results import Row
from mlx_vader.bench.targets import target_for
from mlx_vader.bench.worker_process import Died, WorkerProcess

#: Turns that every configuration gets, so that heat and other programs meet all alike.
ROUNDS = 4
WARM_UP_CALLS = 3


@dataclass(frozen=True)
class Configuration:
    """What is measured. `name` is how the user called the size; `units` are Core ML's."""

    name: str
    size: Size
    backend: str
    units: str
    source: str


class Measured:
    """A configuration while it is being measured."""

    def __init__(self, configuration: Configuration, clip: MeasuredClip) -> None:
        self.configuration, self.clip = configuration, clip
        #: Of each call, by turn.
        self.turns: list[list[float]] = []
        self.row = Row(
            configuration.name,
            str(configuration.size),
            configuration.backend,
            configuration.units,
            frames=clip.frames,
            clip=clip.label,
        )
        self.worker: WorkerProcess | None = None

    def load(self, worker: WorkerProcess, limit: float) -> None:
        """Loads the backend in the worker, makes the first call, and warms up."""
        self.worker = worker
        wanted = self.configuration
        job: dict[str, Any] = {
            "backend": wanted.backend,
            "source": wanted.source,
            "compute_units": wanted.units or "all",
            "clip": str(self.clip.path),
            "frames": self.clip.frames,
        }
        loaded = worker.ask("load", job, limit)
        self.row.load_s, self.row.compile_s = loaded["load_s"], loaded["compile_s"]
        self.row.frames_per_call, self.row.chip = loaded["window"], loaded["chip"]
        self.row.unit, self.row.kind = loaded["unit"], loaded["kind"]
        worker.ask("measure", [WARM_UP_CALLS], limit)

    def measure(self, turn: int, frames: int, limit: float) -> None:
        """The turn's share of `frames`, the network alone."""
        if self.worker is None or self.row.error:
            return
        calls = -(-frames // (self.row.frames_per_call or 1))
        share = calls * (turn + 1) // ROUNDS - calls * turn // ROUNDS
        if share:
            self.turns.append(self.worker.ask("measure", [share], limit)["seconds"])

    def finish(self, limit: float) -> None:
        """The end-to-end run and the sums."""
        if self.worker is None or self.row.error:
            return
        row, window = self.row, self.row.frames_per_call or 1
        end_to_end = self.worker.ask("end_to_end", [self.clip.frames], limit)
        memory = self.worker.ask("memory", [], limit)
        a_frame = np.concatenate(self.turns) / window
        rates = [float(window / np.mean(turn)) for turn in self.turns]
        row.latency_ms_p50, row.latency_ms_p95 = (float(1000 * np.percentile(a_frame, p)) for p in (50, 95))
        row.fps, row.fps_slowest_turn, row.fps_fastest_turn = (
            float(1 / a_frame.mean()),
            min(rates),
            max(rates),
        )
        row.frames = len(a_frame) * window
        row.fps_end_to_end = end_to_end["frames"] / end_to_end["seconds"]
        row.strategy = end_to_end["strategy"]
        row.peak_mib, row.peak_device_mib = memory["peak_rss_mib"], memory["peak_device_mib"]
        # An emulator's speed says nothing about a device.
        target = target_for(row.chip or "", row.unit, row.size) if row.kind == "measured" else None
        if target:
            row.target, row.target_fps, row.passed = target.name, target.fps, row.fps >= target.fps


def run(
    configurations: Sequence[Configuration],
    *,
    frames: int,
    clip: Path | None = None,
    limit: float = 600,
    facts: dict[str, Any] | None = None,
    on_step: Callable[[str], None] = lambda step: None,
) -> dict[str, Any]:
    """Measures every configuration on `frames` frames and returns the result, JSON-ready.

    A configuration that fails, hangs for more than `limit` seconds at a step or takes its process down has its
    `error` in its row; the others go on. Raises `VaderError` when the clip cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="vader-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        clips: dict[Size, MeasuredClip] = {}
        for size in dict.fromkeys(configuration.size for configuration in configurations):
            on_step(f"scaling the clip to {size}")
            clips[size] = prepare(clip, size, frames, folder)
        runs = [Measured(configuration, clips[configuration.size]) for configuration in configurations]
        before = thermal_state()
        for number, one in enumerate(runs):
            on_step(f"loading {_title(one)}")
            with _noted(one):
                worker = WorkerProcess(folder / f"{number}.log")
                stack.callback(worker.close)
                one.load(worker, limit)
        for turn in range(ROUNDS):
            for one in runs:
                on_step(f"measuring {_title(one)}, turn {turn + 1} of {ROUNDS}")
                with _noted(one):
                    one.measure(turn, frames, limit)
        for one in runs:
            on_step(f"decoding, restoring and encoding {_title(one)}")
            with _noted(one):
                one.finish(limit)
        after = thermal_state()
    for one in runs:
        one.row.thermal_state = after and {"before": before, "after": after}
    rows = [one.row.as_dict() for one in runs]
    device = next((row["chip"] for row in rows if row["chip"]), chip())
    return {"device": device, "versions": versions(), **(facts or {}), "rows": rows}


def all_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a result in which nothing may fail. Raises SystemExit with the first error."""
    rows: list[dict[str, Any]] = result["rows"]
    if error := next((row["error"] for row in rows if row["error"]), None):
        raise SystemExit(error)
    return rows


@contextmanager
def _noted(one: Measured) -> Iterator[None]:
    try:
        yield
    except Died as reason:
        one.row.error = str(reason)
        if one.worker is not None:
            one.worker.close()


def _title(one: Measured) -> str:
    wanted = one.configuration
    return f"{wanted.name} on {wanted.backend}" + (f" ({wanted.units})" if wanted.units else "")
