"""Training in MLX: `train(TrainConfig(...))` makes a run in a folder, `resumed(folder)` is how to go on with it.

Read `trainer.py` first: the loop. `step.py` is what happens to a batch, `stages.py` and `schedule.py` are what
changes over time.
"""

from typing import TYPE_CHECKING

from mlx_vader.lazy import lazily
from mlx_vader.training.config import TrainConfig

if TYPE_CHECKING:
    from mlx_vader.training.recipes import recipe
    from mlx_vader.training.run import files_of, resumed, train
    from mlx_vader.training.trainer import Run, Trainer
    from mlx_vader.training.watch import Report, Watch

__all__ = ["Report", "Run", "TrainConfig", "Trainer", "Watch", "files_of", "recipe", "resumed", "train"]

_HOMES = {
    "Report": "mlx_vader.training.watch",
    "Run": "mlx_vader.training.trainer",
    "Trainer": "mlx_vader.training.trainer",
    "Watch": "mlx_vader.training.watch",
    "files_of": "mlx_vader.training.run",
    "recipe": "mlx_vader.training.recipes",
    "resumed": "mlx_vader.training.run",
    "train": "mlx_vader.training.run",
}

__getattr__ = lazily(__name__, _HOMES)
