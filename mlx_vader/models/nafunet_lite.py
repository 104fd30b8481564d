"""NAFUNetLite: one NAF block a stage, added skips, no attention, no mask.

Source: the v1 network, key for key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
from jaxtyping import Float

from mlx_vader.interface import Interface
from mlx_vader.layers.conv import Conv3x3, Downsample2x2, Upsample2x2
from mlx_vader.layers.naf import NAFBlock, sequential
from mlx_vader.layers.naf_unet import STRIDE
from mlx_vader.models.base import Channels, Network, PublishedShapes, Restored, State, restoration


@dataclass(frozen=True)
class NAFUNetLiteSpec:
    """`residual`: the network predicts what to add."""

    channels: Channels = 16
    residual: bool = True

    @property
    def interface(self) -> Interface:
        """Neither mask nor memory."""
        return restoration(stride=STRIDE, mask=False)


PRESETS = {
    "tiny": NAFUNetLiteSpec(channels=8),
    "small": NAFUNetLiteSpec(channels=16),
    "base": NAFUNetLiteSpec(channels=32),
}


class NAFUNetLite(Network):
    """A frame at a time; it has no memory."""

    def __init__(self, spec: NAFUNetLiteSpec) -> None:
        super().__init__()
        c = spec.channels
        self.spec = spec
        self.in_conv = Conv3x3(3, c)
        self.enc1 = [NAFBlock(c), Downsample2x2(c, 2 * c)]
        self.enc2 = [NAFBlock(2 * c), Downsample2x2(2 * c, 4 * c)]
        self.enc3 = [NAFBlock(4 * c), Downsample2x2(4 * c, 8 * c)]
        self.bottleneck = NAFBlock(8 * c)
        self.dec3 = [Upsample2x2(8 * c, 4 * c), NAFBlock(4 * c)]
        self.dec2 = [Upsample2x2(4 * c, 2 * c), NAFBlock(2 * c)]
        self.dec1 = [Upsample2x2(2 * c, c), NAFBlock(c)]
        self.out_conv = Conv3x3(c, 3)

    def restore(self, frames: Float[mx.array, "b t h w 3"], state: State) -> Restored:
        images = frames.flatten(0, 1)
        x = self.in_conv(images)
        e1 = sequential(self.enc1, x)
        e2 = sequential(self.enc2, e1)
        e3 = sequential(self.enc3, e2)
        d3 = sequential(self.dec3, self.bottleneck(e3)) + e2
        d2 = sequential(self.dec2, d3) + e1
        out = self.out_conv(sequential(self.dec1, d2) + x)
        if self.spec.residual:
            out = mx.clip(images + out, 0, 1)
        return Restored(out.reshape(frames.shape), None, state)

    @staticmethod
    def published_spec(shapes: PublishedShapes, config: Mapping[str, Any]) -> NAFUNetLiteSpec | None:
        """Of the published lite network, whose keys are ours."""
        if "enc1.0.norm1.weight" not in shapes:
            return None
        residual = bool(config.get("residual_learning", config.get("residual", False)))
        return NAFUNetLiteSpec(shapes["in_conv.weight"][0], residual)
