"""NAFUNetLite: one NAF block a stage, added skips, no attention, no mask.

Source: the seeds' network, key for key.
"""

from dataclasses import dataclass

import mlx.core as mx
from jaxtyping import Float

from mlx_vader.layers.conv import Conv3x3, Downsample2x2, Upsample2x2
from mlx_vader.layers.naf import NAFBlock, sequential
from mlx_vader.layers.naf_unet import STRIDE
from mlx_vader.models.base import Network, Restored, State


@dataclass(frozen=True)
class NAFUNetLiteSpec:
    """`residual`: the network predicts what to add."""

    channels: int = 16
    residual: bool = True


PRESETS = {
    "tiny": NAFUNetLiteSpec(channels=8),
    "small": NAFUNetLiteSpec(channels=16),
    "base": NAFUNetLiteSpec(channels=32),
}


class NAFUNetLite(Network):
    """A frame at a time; it has no memory."""

    stride = STRIDE

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

    def state_spec(self, height: int, width: int) -> dict[str, tuple[int, ...]]:
        return {}

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
