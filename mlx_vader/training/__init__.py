"""Training in MLX: `train(TrainConfig(...))` makes a run in a folder, `resumed(folder)` is how to go on with it.

Read `trainer.py` first: the loop. `step.py` is what happens to a batch, `stages.py` and `schedule.py` are what
changes over time.
"""

from mlx_vader.training.config import TrainConfig
from mlx_vader.training.recipes import recipe
from mlx_vader.training.run import resumed, train
from mlx_vader.training.trainer import Run, Trainer
from mlx_vader.training.watch import Report, Watch

__all__ = ["Report", "Run", "TrainConfig", "Trainer", "Watch", "recipe", "resumed", "train"]
