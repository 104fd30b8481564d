"""NAFUNetLite: one NAF block a stage, added skips, no attention, no mask.

Source: the v1 network, key for key.
"""

from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor, nn

from torch_ref.layers.conv import conv3x3, downsample2x2, upsample2x2
from torch_ref.layers.naf import NAFBlock
from torch_ref.models.base import Network, Restored, State

if TYPE_CHECKING:
    from mlx_vader.models.nafunet_lite import NAFUNetLiteSpec


class NAFUNetLite(Network):
    """A frame at a time; it has no memory."""

    def __init__(self, spec: "NAFUNetLiteSpec") -> None:
        super().__init__()
        c = spec.channels
        self.spec = spec
        self.in_conv = conv3x3(3, c)
        self.enc1 = nn.Sequential(NAFBlock(c), downsample2x2(c, 2 * c))
        self.enc2 = nn.Sequential(NAFBlock(2 * c), downsample2x2(2 * c, 4 * c))
        self.enc3 = nn.Sequential(NAFBlock(4 * c), downsample2x2(4 * c, 8 * c))
        self.bottleneck = NAFBlock(8 * c)
        self.dec3 = nn.Sequential(upsample2x2(8 * c, 4 * c), NAFBlock(4 * c))
        self.dec2 = nn.Sequential(upsample2x2(4 * c, 2 * c), NAFBlock(2 * c))
        self.dec1 = nn.Sequential(upsample2x2(2 * c, c), NAFBlock(c))
        self.out_conv = conv3x3(c, 3)

    def restore(self, frames: Float[Tensor, "b t 3 h w"], state: State) -> Restored:
        images = frames.flatten(0, 1)
        x = self.in_conv(images)
        e1 = self.enc1(x)
        e2 = self.enc2(e1)
        e3 = self.enc3(e2)
        d3 = self.dec3(self.bottleneck(e3)) + e2
        d2 = self.dec2(d3) + e1
        out = self.out_conv(self.dec1(d2) + x)
        if self.spec.residual:
            out = (images + out).clamp(0, 1)
        return Restored(out.reshape(frames.shape), None, state)
