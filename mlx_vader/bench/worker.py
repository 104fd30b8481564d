"""One configuration in a process of its own: its memory is its own, and what kills it kills nothing else.

Started as `python -m mlx_vader.bench.worker` (`worker_process.py`). Commands come as JSON lines on stdin, answers go as
JSON lines to the stdout that the process began with; what libraries print goes to stderr.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from mlx_vader.bench.machine import chip, peak_rss_mib
from mlx_vader.errors import VaderError


class Worker:
    """A loaded backend and the frames that it is given."""

    def __init__(self, job: dict[str, Any]) -> None:
        """`job`: backend, source, compute_units, clip (a path)."""
        from mlx_vader.backends import load_backend, restore
        from mlx_vader.video import read_clip

        self.clip = Path(job["clip"])
        _import_framework(job["backend"])
        started = time.perf_counter()
        self.backend = load_backend(job["backend"], job["source"], compute_units=job["compute_units"])
        self.restore = restore
        self.load_s = time.perf_counter() - started
        frames = read_clip(self.clip, 0, job["frames"])
        window = self.backend.interface.window
        whole = len(frames) // window * window
        self.calls = cycle(np.split(frames[:whole], whole // window) if whole else [frames])
        self.state: Any = None

    def loaded(self) -> dict[str, Any]:
        """What was loaded and how long the first call takes, which compiles."""
        first = self._call()
        device = chip_and_unit(self.backend.name, self.backend.device)
        kind = "emulated" if self.backend.emulated else "measured"
        return {
            "load_s": self.load_s,
            "compile_s": first,
            "window": self.backend.interface.window,
            "kind": kind,
        } | device

    def measure(self, calls: int) -> dict[str, Any]:
        """Seconds per call of `window` frames, memory carried from call to call."""
        return {"seconds": [self._call() for _ in range(calls)]}

    def _call(self) -> float:
        frames = next(self.calls)
        started = time.perf_counter()
        self.state = self.restore(self.backend, frames, self.state).state
        return time.perf_counter() - started

    def end_to_end(self, frames: int) -> dict[str, Any]:
        """Frames per second from a file to a file: decoder, network and encoder at once, as `clean` runs them."""
        from mlx_vader.jobs import pipeline
        from mlx_vader.streaming.strategies import make_strategy
        from mlx_vader.video import open_video, write_video

        strategy = make_strategy("clip-recurrent")
        out = self.clip.with_name(f"{self.clip.stem}.{os.getpid()}.out.mp4")

        def decoded() -> Iterator[np.ndarray]:
            with open_video(self.clip, stop=frames) as video:
                for frame in islice(video, frames):
                    yield frame.rgb

        started = time.perf_counter()
        with write_video(out, frame_rate=30) as writer:
            pipeline.run(
                decoded(),
                lambda items: strategy.run(items, self.backend),
                lambda result: writer.write(result.frame),
            )
        seconds = time.perf_counter() - started
        out.unlink()
        return {"seconds": seconds, "frames": frames, "strategy": "clip-recurrent"}

    def memory(self) -> dict[str, Any]:
        """The peak of this process, and of the device's own memory where the framework counts it (MiB)."""
        return {"peak_rss_mib": peak_rss_mib(), "peak_device_mib": _device_peak_mib(self.backend.name)}


def _import_framework(backend: str) -> None:
    """Imports before the clock starts: `load_s` is about the network."""
    from convert.quiet import quiet

    with quiet():
        import_module({"mlx": "mlx.core", "torch": "torch", "coreml": "coremltools"}[backend])


def chip_and_unit(backend: str, device: str) -> dict[str, str]:
    """From a backend's device in words: "Apple M4 (GPU)", "NVIDIA A10 (CUDA)", "Core ML (all)", "CPU, 2 threads"."""
    name, _, unit = device.rpartition(" (")
    unit = unit.rstrip(")")
    if backend == "coreml" or not name or unit in ("MPS", "CPU"):
        name = chip()
    return {"chip": name, "unit": "CPU" if device.startswith("CPU") else unit, "device": device}


def _device_peak_mib(backend: str) -> float | None:
    counted = getattr(import_module(f"mlx_vader.backends.{backend}"), "peak_memory_mib", None)
    return counted() if counted else None


def main() -> None:
    """Answers commands until stdin closes."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        command, argument = json.loads(line)
        try:
            if command == "load":
                worker = Worker(argument)
                answer = worker.loaded()
            else:
                answer = getattr(worker, command)(*argument)
        except VaderError as error:
            answer = {"error": error.message, "hint": error.hint}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}", "hint": ""}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
