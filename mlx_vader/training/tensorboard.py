"""Curves and pictures for TensorBoard: `tensorboard --logdir runs`."""

from pathlib import Path

from mlx_vader.errors import VaderError
from mlx_vader.training.validation import Validated
from mlx_vader.training.watch import Report


class TensorBoard:
    """Writes event files into the folder of a run. `step`: a resumed run replaces what was written after it."""

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise VaderError(
                "training needs tensorboardX, for its curves", hint="pip install 'vader-mlx[train]'"
            ) from error

        self._writer = SummaryWriter(str(folder), purge_step=step or None)

    def step(self, report: Report) -> None:
        """Losses, learning rate, gradient norm and speed."""
        scalars = {f"train/{name}": value for name, value in report.losses.items()}
        scalars |= {
            "optimiser/learning_rate": report.learning_rate,
            "optimiser/gradient_norm": report.gradient_norm,
            "speed/samples_per_second": report.samples_per_second,
            "speed/waiting_for_data": report.waiting,
        }
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, report.step)

    def validation(self, step: int, validated: Validated) -> None:
        """Scores, gains by artifact, and rows of before | mask | after."""
        for name, value in validated.scores.as_dict().items():
            self._writer.add_scalar(f"val/{name}", value, step)
        for artifact, gain in validated.gains.items():
            self._writer.add_scalar(f"gain/{artifact}", gain, step)
        for place, picture in enumerate(validated.pictures):
            self._writer.add_image(f"before_mask_after/{place}", picture, step, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """Writes what is still waiting."""
        self._writer.close()
