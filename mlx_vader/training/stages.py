"""The three stages of training: learn where the artifacts are, learn to restore, let go of the mask."""

import math
from dataclasses import dataclass, replace

from mlx_vader.errors import UsageError
from mlx_vader.interface import Interface
from mlx_vader.losses import LossWeights
from mlx_vader.models.base import Network

#: What is left of the mask loss's weight at the end of stage 2.
MASK_FLOOR = 0.1

#: How `all` divides the steps among the stages.
SHARES = {"1": 0.1, "2": 0.75, "3": 0.15}


@dataclass(frozen=True)
class Stage:
    """A stretch of training, steps `start` to `stop` (exclusive)."""

    name: str
    start: int
    stop: int

    def weights(self, weights: LossWeights) -> LossWeights:
        """1 learns from the mask alone, 3 without it."""
        if self.name == "1":
            return LossWeights(charbonnier=0, perceptual=0, temporal=0, fft=0, edge=0, mask=1)
        if self.name == "3":
            return replace(weights, mask=0)
        return weights

    def mask_decay(self, step: int) -> float:
        """What the weight of the mask loss is multiplied by: in stage 2 it falls along a cosine to a tenth."""
        if self.name != "2":
            return 1.0
        progress = (step - self.start) / max(1, self.stop - self.start)
        return MASK_FLOOR + (1 - MASK_FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))

    def freeze(self, net: Network) -> None:
        """In stage 1 the heads that paint stay as they are; weight decay must not touch them either."""
        net.unfreeze()
        if self.name == "1":
            for name, module in net.named_modules():
                if name.split(".")[0] in net.painting_heads:
                    module.freeze()


def plan_stages(stage: str, steps: int, interface: Interface) -> list[Stage]:
    """The stages of a run of `steps`.

    Raises `UsageError` where a stage trains a mask head that the network does not have.
    """
    if stage in ("1", "all") and interface.output("mask") is None:
        raise UsageError(
            f"stage {stage} trains the mask head, which this network does not have", hint="use --stage 2"
        )
    if stage in SHARES:
        return [Stage(stage, 0, steps)]
    first, second = round(steps * SHARES["1"]), round(steps * (SHARES["1"] + SHARES["2"]))
    return [Stage("1", 0, first), Stage("2", first, second), Stage("3", second, steps)]
