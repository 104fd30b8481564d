"""A benchmark run: configurations in processes of their own, measured by turns, into one value."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clips import Clip, prepare
from benchmarks.machine import chip, thermal_state, versions
from benchmarks.targets import target_for
from convert.shapes import Size
from mlx_vader.errors import VaderError

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


@dataclass
class Row:
    """A line of the result; keys are stable. Times in seconds but where the name says ms; no figure is a prediction.

    `fps`: the network alone, frame by frame; `fps_end_to_end`: from file to file. `compile_s`: the first call.
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
    frames_a_call: int | None = None
    clip: str = ""
    strategy: str | None = None
    error: str | None = None


class Died(Exception):  # noqa: N818 - it is what happened to a worker, not an error of ours
    """A worker ended, hung or refused; the text says why."""


class WorkerProcess:
    """The other end of `benchmarks.worker`."""

    def __init__(self, log: Path) -> None:
        root = str(Path(__file__).parent.parent)
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._log = log
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("wb"),
            env={**os.environ, "PYTHONPATH": path},
            text=True,
        )
        self._answers: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put(None)

    def ask(self, command: str, argument: Any, limit: float) -> dict[str, Any]:
        """The answer to a command. Raises `Died` after `limit` seconds, when the process ended, or for its refusal."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps([command, argument]) + "\n")
            self._process.stdin.flush()
            line = self._answers.get(timeout=limit)
        except queue.Empty:
            raise Died(f"no answer to {command} within {limit:.0f} s") from None
        except OSError:
            line = None
        if line is None:
            raise Died(self._last_words(command))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Died(answer["error"])
        return answer

    def _last_words(self, command: str) -> str:
        code = self._process.wait()
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"the process ended during {command} (code {code})" + (f": {lines[-1]}" if lines else "")

    def close(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()


class Measured:
    """A configuration while it is being measured."""

    def __init__(self, configuration: Configuration, clip: Clip) -> None:
        self.configuration, self.clip = configuration, clip
        self.seconds: list[float] = []
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
        self.row.frames_a_call, self.row.chip = loaded["window"], loaded["chip"]
        self.row.unit, self.row.kind = loaded["unit"], loaded["kind"]
        worker.ask("measure", [WARM_UP_CALLS], limit)

    def measure(self, frames: int, limit: float) -> None:
        """Some more frames of the network alone."""
        if self.worker is None or self.row.error:
            return
        calls = max(1, round(frames / (self.row.frames_a_call or 1)))
        self.seconds += self.worker.ask("measure", [calls], limit)["seconds"]

    def finish(self, limit: float) -> None:
        """The end-to-end run and the sums."""
        if self.worker is None or self.row.error:
            return
        row, window = self.row, self.row.frames_a_call or 1
        end_to_end = self.worker.ask("end_to_end", [self.clip.frames], limit)
        memory = self.worker.ask("memory", [], limit)
        a_frame = np.array(self.seconds) / window
        row.latency_ms_p50, row.latency_ms_p95 = (float(1000 * np.percentile(a_frame, p)) for p in (50, 95))
        row.fps = float(1 / a_frame.mean())
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
        clips: dict[Size, Clip] = {}
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
                    one.measure(max(1, frames // ROUNDS), limit)
        for one in runs:
            on_step(f"decoding, restoring and encoding {_title(one)}")
            with _noted(one):
                one.finish(limit)
        after = thermal_state()
    for one in runs:
        one.row.thermal_state = after and {"before": before, "after": after}
    rows = [asdict(one.row) for one in runs]
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


def read_result(path: Path) -> dict[str, Any]:
    """A result file that `bench --json` wrote. Raises `VaderError` for anything else."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if all("fps" in row for row in result["rows"]):
            return dict(result)
    except OSError as error:
        raise VaderError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        pass
    raise VaderError(f"{path} is not a benchmark result", hint="make one with: vader-mlx bench --json FILE")


def compare(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    """The configurations that both results have, with the frame rates of both and the second over the first."""

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
            "ratio": b["fps"] / a["fps"],
        }
        for a, b in pairs
    ]
