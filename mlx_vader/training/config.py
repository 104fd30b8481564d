"""What a training run is: plain values, saved with the run, from which everything in it follows."""

import dataclasses
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlx_vader.errors import UsageError
from mlx_vader.losses import LossWeights
from mlx_vader.training.optimiser import RATES

STAGES = ("1", "2", "3", "all")

#: With which a run without `steps` and `epochs` ends.
DEFAULT_EPOCHS = 100


@dataclass(frozen=True)
class TrainConfig:
    """A run. Without `data` it trains on drawn scenes. `None` means: decided from the data or the network.

    `before`: frames that make the state of a warm start; `spec`: fields of the network's spec that differ from the
    preset; `ramp`: steps over which artifacts grow from the easy ones to all severities; `echo`: how often each clip
    is seen; `backend`: "mlx", "torch" or "auto", PyTorch where MLX has no GPU; `perceptual`: "auto" (LPIPS-Alex, VGG16
    or EfficientNet-Lite0, the first that is there), "none", or a name or path that must be there; `command`: what began
    the run, kept when it is resumed.
    """

    out: str = "runs/train"
    data: str | None = None
    artifacts: tuple[str, ...] = ()
    ramp: int = 0
    echo: int = 1
    logos: str | None = None

    net: str = "composite"
    preset: str = "small"
    spec: dict[str, Any] = field(default_factory=dict)
    initial: str | None = None

    stage: str = "2"
    steps: int | None = None
    epochs: int | None = None
    batch_size: int = 4
    grad_accum: int = 1
    clip_length: int = 4
    before: int = 8
    size: int = 128

    optimiser: str = "adamw"
    lr: float = RATES["adamw"]
    warmup_steps: int = 200
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    ema: float = 0.999
    bf16: bool = False
    seed: int = 0

    losses: LossWeights = field(default_factory=LossWeights)
    perceptual: str = "auto"
    mask_loss: str = "dice"
    mask_weight: float = 1.0

    backend: str = "auto"
    device: str = "auto"
    workers: int = 1
    validate_every: int = 500
    validation_clips: int = 26
    log_every: int = 20
    command: str = field(
        default_factory=lambda: " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]), compare=False
    )

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise UsageError(f"there is no stage {self.stage!r}", hint=f"one of {', '.join(STAGES)}")
        if self.mask_loss not in ("dice", "bce"):
            raise UsageError(f"there is no mask loss {self.mask_loss!r}", hint="dice or bce")
        if self.optimiser not in RATES:
            raise UsageError(f"there is no optimiser {self.optimiser!r}", hint=" or ".join(RATES))
        if self.backend not in ("auto", "mlx", "torch"):
            raise UsageError(f"nothing trains with {self.backend!r}", hint="auto, mlx or torch")
        if self.device not in ("auto", "cpu", "gpu"):
            raise UsageError(f"there is no device {self.device!r}", hint="auto, cpu or gpu")
        for name in ("batch_size", "grad_accum", "clip_length", "size", "validate_every", "log_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}", hint="it is at least 1")
        for name in ("steps", "epochs"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}", hint="it is at least 1")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise UsageError(f"the learning rate is {self.lr}", hint="a small positive number such as 5e-4")

    def total_steps(self, items: int) -> int:
        """How many updates the run makes on a data set of `items` clips."""
        if self.steps is not None:
            return self.steps
        clips = self.batch_size * self.grad_accum
        return math.ceil(items / clips) * (self.epochs or DEFAULT_EPOCHS)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The run that `as_dict` described."""
        losses = LossWeights(**values["losses"])
        return cls(**{**values, "losses": losses, "artifacts": tuple(values["artifacts"])})
