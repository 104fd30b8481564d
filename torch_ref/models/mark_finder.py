"""MarkFinder: which pixels of a video belong to marks that stand still; see `mlx_vader/models/mark_finder.py`."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from torch_ref.layers.conv import conv3x3, downsample2x2, pointwise, upsample2x2
from torch_ref.models.base import Network, State

if TYPE_CHECKING:
    from mlx_vader.models.mark_finder import MarkFinderSpec

#: Statistics of each pixel.
FEATURES = 23


class Block(nn.Module):
    """Two convolutions and an addition."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv3x3(channels, channels)
        self.second = conv3x3(channels, channels)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return relu(x + self.second(relu(self.first(x))))


class MarkFinder(Network):
    """One set of statistics at a time; it has no memory."""

    def __init__(self, spec: "MarkFinderSpec") -> None:
        super().__init__()
        c = spec.channels
        self.spec = spec
        self.enter = downsample2x2(FEATURES, c)
        self.at_half = conv3x3(c, c)
        self.to_quarter = downsample2x2(c, 2 * c)
        self.at_quarter = Block(2 * c)
        self.to_eighth = downsample2x2(2 * c, 3 * c)
        self.at_eighth = Block(3 * c)
        self.from_eighth = upsample2x2(3 * c, 2 * c)
        self.back_quarter = conv3x3(2 * c, 2 * c)
        self.from_quarter = upsample2x2(2 * c, c)
        self.back_half = conv3x3(c, c)
        self.from_half = upsample2x2(c, spec.fine)
        self.each_pixel = pointwise(FEATURES, spec.fine)
        self.fine = conv3x3(spec.fine, spec.fine)
        self.mask = pointwise(spec.fine, 1)
        self.undecidable = pointwise(3 * c, 1)

    def compute(self, inputs: dict[str, Tensor], state: State) -> tuple[dict[str, Tensor], State]:
        statistics = inputs["statistics"]
        x = statistics.flatten(0, 1)
        half = relu(self.at_half(relu(self.enter(x))))
        quarter = self.at_quarter(relu(self.to_quarter(half)))
        eighth = self.at_eighth(relu(self.to_eighth(quarter)))
        y = relu(self.back_quarter(quarter + self.from_eighth(eighth)))
        y = relu(self.back_half(half + self.from_quarter(y)))
        y = relu(self.from_half(y) + self.each_pixel(x))
        mask = torch.sigmoid(self.mask(relu(self.fine(y))))
        # Axis by axis: the plain sum of a large map is beyond half precision.
        mean = eighth.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)
        undecidable = torch.sigmoid(self.undecidable(mean))[..., 0, 0]
        outputs = {"mask": mask, "undecidable": undecidable}
        return {name: value.unflatten(0, statistics.shape[:2]) for name, value in outputs.items()}, state
