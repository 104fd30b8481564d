"""What training minimises: one loss a file, and their weighted sum.

Functions of MLX arrays; frames RGB in [0, 1], masks 1 = artifact; every one returns a scalar.
"""

from mlx_vader.loss_weights import LossWeights
from mlx_vader.losses.charbonnier import charbonnier
from mlx_vader.losses.edge import edge
from mlx_vader.losses.fft import fft
from mlx_vader.losses.mask import bce, dice_l1
from mlx_vader.losses.rmse import rmse
from mlx_vader.losses.temporal import temporal
from mlx_vader.losses.weighted import total

__all__ = ["LossWeights", "bce", "charbonnier", "dice_l1", "edge", "fft", "rmse", "temporal", "total"]
