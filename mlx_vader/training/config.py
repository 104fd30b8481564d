"""What a training run is: plain values, saved with the run, from which everything in it follows."""

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlx_vader.errors import UsageError, choices
from mlx_vader.loss_weights import LossWeights
from mlx_vader.options import documented, option, setting
from mlx_vader.shipped import TAKEN

STAGES = ("1", "2", "3", "all")
BACKENDS = ("auto", "mlx", "torch")
DEVICES = ("auto", "cpu", "gpu")

#: The optimisers that there are, and the highest learning rate that suits each.
RATES = {"adamw": 5e-4, "muon": 0.02}

#: Points of a curve, in a run that is not long.
POINTS = 100

#: With which a run without `steps` and `epochs` ends.
DEFAULT_EPOCHS = 100

#: The networks that can be trained, the one that `clean` takes first: the models' registry is too heavy for `--help`.
NETS = ("realtime", "nafunet", "composite", "nafunet-lite", "mark-finder")
#: The size that ships.
PRESET = "base"

#: Groups of options in `vader-mlx train --help`.
DATA, NETWORK, COURSE, LOSSES, MACHINE = "Data", "Network", "Course", "Losses", "Machine"


@documented
@dataclass(frozen=True)
class TrainConfig:
    """A run. Without `data` it trains on drawn scenes. `None` means: decided from the data or the network."""

    out: str = option("runs/train", help="Folder of the run.", flags=("--out", "-o"))
    data: str | None = option(None, help="Folder of videos and images.", group=DATA, typed=Path)
    artifacts: tuple[str, ...] = option(
        (),
        help="Of these alone: overlays, degradations or names; a wrong one lists all.",
        group=DATA,
        typed=str,
    )
    ramp: int = option(0, help="Steps over which artifacts grow to their full severity.", group=DATA)
    echo: int = option(1, help="See each clip so often, mirrored: where making them is slow.", group=DATA)
    logos: str | None = option(
        None, help="Folder of images with alpha, for the logos.", group=DATA, typed=Path
    )
    batch_size: int = option(4, help="Clips a batch, of all machines together.", group=DATA)
    clip_length: int = option(4, help="Frames a clip.", group=DATA)
    before: int = option(8, help="Frames before it that a warm start has seen.", group=DATA)
    size: int = option(128, help="Height and width of the crops.", group=DATA)

    net: str | None = option(
        None,
        help=f"{', '.join(NETS)}; three are of v1, and slower; mark-finder finds marks.",
        group=NETWORK,
        unsaid=f"{NETS[0]}, or that of --init",
    )
    preset: str | None = option(
        None,
        help="Its size: tiny, small, base, large; some have others too.",
        group=NETWORK,
        unsaid=f"{PRESET}, or that of --init",
    )
    spec: dict[str, Any] = setting(
        factory=dict, help="Fields of the network's spec that differ from the preset."
    )
    initial: str | None = option(
        None,
        help=f"Start from these weights: {TAKEN}.",
        flags=("--init",),
        group=NETWORK,
    )

    epochs: int | None = option(None, help="How often to see each file; 100 unless said.", group=COURSE)
    steps: int | None = option(None, help="How many updates, instead of epochs.", group=COURSE)
    stage: str = option(
        "2", help="1: mask only; 2: all losses; 3: without the mask's; all: in turn.", group=COURSE
    )
    optimiser: str = option(
        "adamw", help="adamw or muon; else what suits the network.", group=COURSE, typed=str
    )
    lr: float = option(
        RATES["adamw"],
        help="Highest learning rate; else the optimiser's, a tenth of it after --init.",
        group=COURSE,
        typed=float,
    )
    warmup_steps: int = option(
        200, help="Steps in which the learning rate rises.", flags=("--warmup",), group=COURSE
    )
    grad_accum: int = option(1, help="Batches an update.", group=COURSE)
    seed: int = option(0, help="Everything random follows from it.", group=COURSE)
    validate_every: int = option(500, help="Steps between validations; each saves.", group=COURSE)
    weight_decay: float = setting(1e-4, help="AdamW's.")
    clip_norm: float = setting(1.0, help="Longer gradients are shortened to this norm.")
    ema: float = setting(0.999, help="Decay of the running mean of the weights that is saved.")

    losses: LossWeights = option(
        factory=LossWeights,
        help=f"Weights other than the network's, as in rmse=1,mask=0.01; of {', '.join(vars(LossWeights()))}.",
        group=LOSSES,
        typed=str,
    )
    perceptual: str = setting(
        "auto",
        help='"auto" (LPIPS-Alex, VGG16 or EfficientNet-Lite0, the first that is there), "none", a name or a path.',
    )
    mask_loss: str = option(
        "dice", help="dice (and L1) or bce; else what suits the network.", group=LOSSES, typed=str
    )
    mask_weight: float = option(1.0, help="How often a pixel of the artifact counts.", group=LOSSES)

    backend: str = option("auto", help="mlx or torch; torch unless said where MLX has no GPU.", group=MACHINE)
    device: str = option("auto", help="auto, cpu or gpu.", group=MACHINE)
    bf16: bool = option(False, help="Compute in bfloat16; weights stay in float32.", group=MACHINE)
    workers: int = option(1, help="Processes that make batches ahead.", group=MACHINE)
    validation_clips: int = setting(26, help="Clips of a validation, the artifacts in turn.")
    log_every: int | None = setting(
        None,
        help=f"Steps between points of the curves; by itself {POINTS} in all, and one in 20 steps at least.",
    )
    command: str = field(
        default="mlx_vader.training.train",
        compare=False,
        metadata={"help": "What began the run; kept when it is resumed."},
    )

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise UsageError(f"there is no stage {self.stage!r}", hint=choices(self.stage, STAGES))
        if self.mask_loss not in ("dice", "bce"):
            raise UsageError(
                f"there is no mask loss {self.mask_loss!r}", hint=choices(self.mask_loss, ("dice", "bce"))
            )
        if self.optimiser not in RATES:
            raise UsageError(f"there is no optimiser {self.optimiser!r}", hint=choices(self.optimiser, RATES))
        if self.backend not in BACKENDS:
            raise UsageError(f"nothing trains with {self.backend!r}", hint=choices(self.backend, BACKENDS))
        if self.device not in DEVICES:
            raise UsageError(f"there is no device {self.device!r}", hint=choices(self.device, DEVICES))
        for name in ("batch_size", "grad_accum", "clip_length", "size", "validate_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}", hint="it is at least 1")
        for name in ("steps", "epochs", "log_every"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}", hint="it is at least 1")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise UsageError(f"the learning rate is {self.lr}", hint="a small positive number such as 5e-4")

    def points(self, steps: int) -> int:
        """Steps between two points of the curves, in a run of `steps`."""
        return self.log_every or min(20, math.ceil(steps / POINTS))

    def total_steps(self, items: int) -> int:
        """How many updates the run makes on a data set of `items` clips."""
        if self.steps is not None:
            return self.steps
        clips = self.batch_size * self.grad_accum
        return math.ceil(items / clips) * (self.epochs or DEFAULT_EPOCHS)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)
