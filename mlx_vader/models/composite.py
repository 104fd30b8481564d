"""ExplicitCompositeNet: the v1 body, one head that paints and one that says where.

The output is the input outside the mask and the painting inside it, so that clean pixels pass through.
Source: the v1 network, key for key. Cost at 720p, multiply-adds per frame, counted on the twin by
`torch.utils.flop_counter`: `large` 454 G, `base` 118 G.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.errors import UsageError
from mlx_vader.interface import Interface
from mlx_vader.layers.naf import mask_head, pixel_head, sequential
from mlx_vader.layers.naf_unet import STRIDE, NAFUNet, check_heads, memory_ports, published_body
from mlx_vader.models.base import (
    Channels,
    Count,
    CountOrNone,
    Network,
    PublishedShapes,
    Restored,
    State,
    restoration,
)

#: A fresh network takes each colour through a channel, and its negative through another.
COLOURS = 3

#: Slope of the sigmoid of a fresh painting: sigmoid(4 (x - 1/2)) is within 0.12 of x.
STEEPNESS = 4.0


@dataclass(frozen=True)
class CompositeSpec:
    """`num_frames` see each other (1: causal), and the `memory` frames before them."""

    channels: Channels = 16
    blocks: Count = 2
    heads: Count = 4
    num_frames: Count = 1
    memory: CountOrNone = 4
    temporal: bool = True

    def __post_init__(self) -> None:
        if self.channels < 2 * COLOURS:
            raise UsageError(f"{self.channels} channels are too few", hint=f"it takes {2 * COLOURS} at least")
        check_heads(self.channels, self.heads)

    @property
    def interface(self) -> Interface:
        """A frame at a time unless frames of a window see each other."""
        return restoration(
            stride=STRIDE,
            window=self.num_frames if self.temporal else 1,
            state=memory_ports(self.channels, self.memory, self.temporal),
        )


PRESETS = {
    "tiny": CompositeSpec(channels=8, blocks=1),
    "lite": CompositeSpec(channels=16, blocks=1),
    "small": CompositeSpec(channels=16),
    "base": CompositeSpec(channels=32),
    "large": CompositeSpec(channels=64),
}

#: What it learns best with; docs/realtime.md says how this was found.
RECIPE: dict[str, Any] = {
    "optimiser": "muon",
    "mask_loss": "bce",
    "losses": {"rmse": 1, "charbonnier": 0, "fft": 0, "perceptual": 0, "temporal": 0.3, "mask": 0.006},
}


def _pass(conv: nn.Module, output: int, inputs: dict[int, float], bias: float = 0.0) -> None:
    """Makes an output of a convolution the given multiples of inputs at the same pixel."""
    middle = conv.weight.shape[1] // 2
    conv.weight[output] = 0
    for channel, factor in inputs.items():
        conv.weight[output, middle, middle, channel] = factor
    conv.bias[output] = bias


class ExplicitCompositeNet(NAFUNet, Network):
    """Paints, masks and composites."""

    recipe = RECIPE
    painting_heads = ("inpaint_head",)
    mask_bias = ("mask_head.2.bias", 1)

    def __init__(self, spec: CompositeSpec) -> None:
        super().__init__(spec.channels, spec.blocks, spec.heads, spec.num_frames, spec.memory, spec.temporal)
        self.spec = spec
        self.inpaint_head = [*pixel_head(spec.channels, spec.channels, 3), nn.Sigmoid()]
        self.mask_head = mask_head(spec.channels)
        self._paint_what_is_seen()

    def _paint_what_is_seen(self) -> None:
        """Fresh blocks are identities: three channels take the colours through them, to be painted as they are, nearly.

        A painting of noise teaches the mask to close, and behind a closed mask nothing is learned.
        """
        to_pixels, to_colours = self.inpaint_head[0], self.inpaint_head[2]
        skip_conv = self.decoders[-1].skip_conv
        skip = skip_conv.weight.shape[-1] // 2
        for colour in range(COLOURS):
            _pass(self.in_conv, colour, {colour: 1})
            _pass(skip_conv, colour, {skip + colour: 1})
            # gelu(z) - gelu(-z) = z
            _pass(to_pixels, colour, {colour: 1})
            _pass(to_pixels, COLOURS + colour, {colour: -1})
            _pass(to_colours, colour, {colour: STEEPNESS, COLOURS + colour: -STEEPNESS}, -STEEPNESS / 2)

    def restore(self, frames: Float[mx.array, "b t h w 3"], state: State) -> Restored:
        x, state = self.features(frames, state)
        painted = sequential(self.inpaint_head, x).reshape(frames.shape)
        mask = sequential(self.mask_head, x).reshape(*frames.shape[:4], 1)
        return Restored(frames * (1 - mask) + painted * mask, mask, state)

    @staticmethod
    def published_spec(shapes: PublishedShapes, config: Mapping[str, Any]) -> CompositeSpec | None:
        """Of `composite.pt`, whose keys are ours."""
        return CompositeSpec(**published_body(shapes)) if "inpaint_head.0.weight" in shapes else None
