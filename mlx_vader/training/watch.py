"""What a run tells whoever started it. The command line draws it; a notebook may do something else."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlx_vader.training.validation import AnyScores


@dataclass(frozen=True)
class Report:
    """One finished step. `waiting`: the share of its time that went into waiting for data;
    `finite` is false where the loss or a gradient was not a number, and the step changed nothing.
    """

    step: int
    total: int
    stage: str
    losses: dict[str, float]
    learning_rate: float
    gradient_norm: float
    finite: bool
    samples_per_second: float
    waiting: float


class Watch:
    """Does nothing: override what you want to hear of."""

    def on_note(self, text: str) -> None:
        """Something worth one line: a file that was skipped, weights that are not there."""

    def on_outline(self, outline: Mapping[str, str]) -> None:
        """What the run is going to do, by name, before it begins; nothing of a run that is done."""

    def on_start(self, step: int, total: int) -> None:
        """Training begins behind `step` finished steps."""

    def on_step(self, report: Report) -> None:
        """A step is finished."""

    def on_validation(self, step: int, scores: AnyScores, best: bool) -> None:
        """The averaged weights were tried on the validation clips; `best`: better than ever before."""

    def stop(self) -> bool:
        """True ends the run after this step, saved and ready to be resumed."""
        return False
