"""What `vader-mlx train` shows: what it will do, a bar with loss, speed and ETA, validations, and the way on."""

import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from mlx_vader.checkpoints import BEST
from mlx_vader.cli.console import announce, progress, say, stderr_console
from mlx_vader.training import Report, TrainConfig, Watch
from mlx_vader.training.interrupt import Interrupt, interruptible
from mlx_vader.training.validation import AnyScores, Scores

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
        self._done_before: tuple[int, int] | None = None
        self._report: Report | None = None
        self._scores: AnyScores | None = None
        self._best: AnyScores | None = None
        self._waiting: list[float] = []

    def on_note(self, text: str) -> None:
        """Prints the note."""
        self._console.print(f"note: {text}", style="yellow", markup=False)

    def on_outline(self, outline: Mapping[str, str]) -> None:
        """Prints what will be done."""
        announce("training", outline)

    def on_start(self, step: int, total: int) -> None:
        """Opens the bar, unless there is nothing left to do."""
        if step >= total:
            self._done_before = step, total
            return
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
            left = (report.total - report.step) * (now - self._started) / len(self._waiting)
            self._console.print(
                f"step {report.step}/{report.total}  {text}  ETA {timedelta(seconds=round(left))}"
            )

    def on_validation(self, step: int, scores: AnyScores, best: bool) -> None:
        """Prints the scores, before and after."""
        self._scores = scores
        word = ""
        if best:
            self._best = scores
            word = "  best so far, worse than the input" if _harms(scores) else "  best"
        self._console.print(f"step {step}: {scores.summary()}{word}")

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
        """Says what was done, where it is, what to do next, and what would make it faster."""
        folder = shlex.quote(config.out)
        if self._done_before is not None:
            done, total = self._done_before
            say(f"already done: {done} steps of {total}, in {config.out}")
            say(f"more: vader-mlx train --resume {folder} --steps {2 * done}")
            return
        if self._report is None:
            return
        # Of the middle step: the first waits until the workers have begun.
        waiting = median(self._waiting)
        if waiting > MUCH_WAITING:
            self.on_note(f"{waiting:.0%} of each step was waiting for clips: more --workers, or --echo 4")
        if not finished:
            say(f"stopped behind step {self._report.step}; everything is saved in {config.out}")
            say(f"go on: vader-mlx train --resume {folder}")
            return
        spent = timedelta(seconds=round(time.monotonic() - self._started))
        say(f"finished: {self._report.step} steps, {spent}: {Path(config.out) / BEST}")
        self._say_what_next(folder)

    def _say_what_next(self, folder: str) -> None:
        assert self._report is not None
        if isinstance(self._best, Scores) and _harms(self._best):
            before, after = self._best.psnr_before, self._best.psnr
            self.on_note(
                f"it is worse than doing nothing: {before:.2f} → {after:.2f} dB on the clips held out"
            )
            say(f"next: vader-mlx train --resume {folder} --steps {10 * self._report.step}")
            return
        say(f"next: vader-mlx evaluate CLIPS -c default -c {folder}")
        say(f"then: vader-mlx clean VIDEO -o CLEAN.mp4 -c {folder}")

    def summary(self, config: TrainConfig, finished: bool) -> dict[str, Any]:
        """For machines."""
        done = self._done_before[0] if self._done_before else None
        return {
            "run": config.out,
            "checkpoint": str(Path(config.out) / BEST),
            "finished": finished,
            "step": self._report.step if self._report else done,
            "loss": self._report.losses if self._report else None,
            "scores": self._scores.as_dict() if self._scores else None,
            "seconds": round(time.monotonic() - self._started, 1),
        }


def _harms(scores: AnyScores) -> bool:
    """Whether the clips were better left alone."""
    return isinstance(scores, Scores) and scores.psnr < scores.psnr_before


@contextmanager
def screen(stop_after: int | None) -> Iterator[Screen]:
    """A screen for as long as the run takes, and Ctrl-C in good order."""
    with interruptible() as interrupt:
        shown = Screen(interrupt, stop_after)
        try:
            yield shown
        finally:
            shown.close()
