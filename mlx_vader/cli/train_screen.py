"""What `vader-mlx train` shows: a bar with loss, speed and ETA, a line a validation, and the way on at the end."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from mlx_vader.cli.console import progress, stderr_console
from mlx_vader.training import Report, TrainConfig, Watch
from mlx_vader.training.interrupt import Interrupt, interruptible
from mlx_vader.training.trainer import BEST
from mlx_vader.training.validation import AnyScores

#: Between lines where no bar can be drawn, in a log file for example.
SECONDS_BETWEEN_LINES = 30.0
#: Of the steps' time, spent waiting for clips: from here on it is worth a hint.
MUCH_WAITING = 0.3


class Screen(Watch):
    """Draws a run. On ranks other than the first, `on_start` is never called and nothing is shown."""

    def __init__(self, interrupt: Interrupt, stop_after: int | None) -> None:
        self.interrupt = interrupt
        self._left = stop_after
        self._console = stderr_console()
        self._bar: Any = None
        self._advance: Any = None
        self._last_line = self._started = time.monotonic()
        self._report: Report | None = None
        self._scores: AnyScores | None = None
        self._waiting: list[float] = []

    def on_note(self, text: str) -> None:
        """Prints the note."""
        self._console.print(f"note: {text}", style="yellow", markup=False)

    def on_start(self, step: int, total: int) -> None:
        """Opens the bar."""
        self._bar = progress("training", total)
        self._advance = self._bar.__enter__()
        self._advance(step, note="preparing the first step")

    def on_step(self, report: Report) -> None:
        """Moves the bar, or prints a line now and then where there is no terminal."""
        self._report = report
        self._waiting.append(report.waiting)
        text = f"loss {report.losses['loss']:.4f}  {report.samples_per_second:.1f} clips/s"
        self._advance(1, note=text)
        now = time.monotonic()
        if not sys.stderr.isatty() and now - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = now
            self._console.print(f"step {report.step}/{report.total}  {text}")

    def on_validation(self, step: int, scores: AnyScores, best: bool) -> None:
        """Prints the scores, before and after."""
        self._scores = scores
        self._console.print(f"step {step}: {scores.summary()}{'  best' if best else ''}")

    def stop(self) -> bool:
        """True after Ctrl-C, or when the steps of this call are used up."""
        if self._left is not None:
            self._left -= 1
        return bool(self.interrupt) or self._left == 0

    def close(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None

    def conclude(self, config: TrainConfig, finished: bool) -> None:
        """Says where the checkpoint is, what to do next, and what would make it faster."""
        if self._report is None and not finished:
            return
        best = Path(config.out) / BEST
        # Of the middle step: the first waits until the workers have begun.
        waiting = median(self._waiting) if self._waiting else 0.0
        if waiting > MUCH_WAITING:
            self.on_note(f"{waiting:.0%} of each step was waiting for clips: more --workers, or --echo 4")
        if finished:
            self._console.print(f"finished: {best}", markup=False)
            self._console.print(f"next: vader-mlx clean VIDEO -o CLEAN.mp4 -c {best}", markup=False)
        else:
            step = self._report.step if self._report else 0
            self._console.print(
                f"stopped behind step {step}; everything is saved in {config.out}", markup=False
            )
            self._console.print(f"go on: vader-mlx train --resume {config.out}", markup=False)

    def summary(self, config: TrainConfig, finished: bool) -> dict[str, Any]:
        """For machines."""
        return {
            "run": config.out,
            "checkpoint": str(Path(config.out) / BEST),
            "finished": finished,
            "step": self._report.step if self._report else None,
            "loss": self._report.losses if self._report else None,
            "scores": self._scores.as_dict() if self._scores else None,
            "seconds": round(time.monotonic() - self._started, 1),
        }


@contextmanager
def screen(stop_after: int | None) -> Iterator[Screen]:
    """A screen for as long as the run takes, and Ctrl-C in good order."""
    with interruptible() as interrupt:
        shown = Screen(interrupt, stop_after)
        try:
            yield shown
        finally:
            shown.close()
