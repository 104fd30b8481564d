"""How much each training loss counts. Apart from the losses, which are MLX: options are read without it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LossWeights:
    """How much each loss counts; a loss of weight 0 is not computed."""

    charbonnier: float = 1.0
    rmse: float = 0.0
    perceptual: float = 0.1
    temporal: float = 0.5
    fft: float = 0.05
    edge: float = 0.0
    mask: float = 0.3
