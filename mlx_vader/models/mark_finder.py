"""MarkFinder: which pixels of a video belong to marks that stand still, from statistics over time.

A small U-Net at half of the size and below, with a head that sees the statistics of each pixel once more, for strokes
that are a pixel wide. It also says whether the video shows too little motion to tell a mark from the scene. 0.38
million weights; 19 thousand multiplications a pixel, once for a whole video.
"""

from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.interface import Interface, Port
from mlx_vader.layers.conv import Conv3x3, Downsample2x2, Pointwise, Upsample2x2
from mlx_vader.models.base import Channels, Network, State

STRIDE = 8
#: Statistics of each pixel: `mlx_vader/masks/static/statistics.py` says what they are.
FEATURES = 23
#: A fresh network takes one pixel in twenty for a mark, as many as there are.
_RARE = -3.0


@dataclass(frozen=True)
class MarkFinderSpec:
    """`channels` at half of the size, twice as many at a quarter, three times at an eighth; `fine` in the head."""

    channels: Channels = 32
    fine: Channels = 16

    @property
    def interface(self) -> Interface:
        """Statistics, and the mask and whether nothing can be decided (1) of the video that they are of."""
        return Interface(
            inputs=(Port("statistics", "features", FEATURES),),
            outputs=(Port("mask", "mask", 1), Port("undecidable", "scalar", 1)),
            stride=STRIDE,
        )


PRESETS = {
    "tiny": MarkFinderSpec(channels=8, fine=8),
    "small": MarkFinderSpec(channels=16),
    "base": MarkFinderSpec(),
}

#: What it learns best with.
RECIPE: dict[str, Any] = {"optimiser": "muon", "mask_loss": "bce"}


class Block(nn.Module):
    """Two convolutions and an addition."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv3x3(channels, channels)
        self.second = Conv3x3(channels, channels)

    def __call__(self, x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h w c"]:
        return nn.relu(x + self.second(nn.relu(self.first(x))))


class MarkFinder(Network):
    """One set of statistics at a time; it has no memory."""

    task = "marks"
    recipe = RECIPE
    painting_heads = ("undecidable",)
    mask_bias = ("mask.bias", 1)

    def __init__(self, spec: MarkFinderSpec) -> None:
        super().__init__()
        c = spec.channels
        self.spec = spec
        self.enter = Downsample2x2(FEATURES, c)
        self.at_half = Conv3x3(c, c)
        self.to_quarter = Downsample2x2(c, 2 * c)
        self.at_quarter = Block(2 * c)
        self.to_eighth = Downsample2x2(2 * c, 3 * c)
        self.at_eighth = Block(3 * c)
        self.from_eighth = Upsample2x2(3 * c, 2 * c)
        self.back_quarter = Conv3x3(2 * c, 2 * c)
        self.from_quarter = Upsample2x2(2 * c, c)
        self.back_half = Conv3x3(c, c)
        self.from_half = Upsample2x2(c, spec.fine)
        self.each_pixel = Pointwise(FEATURES, spec.fine)
        self.fine = Conv3x3(spec.fine, spec.fine)
        self.mask = Pointwise(spec.fine, 1)
        self.mask.bias = mx.array([_RARE])
        self.undecidable = Pointwise(3 * c, 1)

    def compute(self, inputs: dict[str, mx.array], state: State) -> tuple[dict[str, mx.array], State]:
        statistics = inputs["statistics"]
        x = statistics.flatten(0, 1)
        half = nn.relu(self.at_half(nn.relu(self.enter(x))))
        quarter = self.at_quarter(nn.relu(self.to_quarter(half)))
        eighth = self.at_eighth(nn.relu(self.to_eighth(quarter)))
        y = nn.relu(self.back_quarter(quarter + self.from_eighth(eighth)))
        y = nn.relu(self.back_half(half + self.from_quarter(y)))
        y = nn.relu(self.from_half(y) + self.each_pixel(x))
        mask = mx.sigmoid(self.mask(nn.relu(self.fine(y))))
        undecidable = mx.sigmoid(self.undecidable(eighth.mean(axis=2).mean(axis=1)))
        outputs = {"mask": mask, "undecidable": undecidable}
        clips = statistics.shape[:2]
        return {name: value.reshape(*clips, *value.shape[1:]) for name, value in outputs.items()}, state
