"""ExplicitCompositeNet: the v1 body, one head that paints and one that says where.

The output is the input outside the mask and the painting inside it, so that clean pixels pass through.
Source: the v1 network, key for key. Cost at 720p, multiply-adds per frame, counted on the twin by
`torch.utils.flop_counter`: `large` 454 G, `base` 118 G.
"""

from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor, nn

from torch_ref.layers.naf import mask_head, pixel_head
from torch_ref.layers.naf_unet import NAFUNet
from torch_ref.models.base import Network, Restored, State

if TYPE_CHECKING:
    from mlx_vader.models.composite import CompositeSpec


class ExplicitCompositeNet(NAFUNet, Network):
    """Paints, masks and composites."""

    def __init__(self, spec: "CompositeSpec") -> None:
        super().__init__(spec.channels, spec.blocks, spec.heads, spec.num_frames, spec.memory, spec.temporal)
        self.spec = spec
        self.inpaint_head = nn.Sequential(*pixel_head(spec.channels, spec.channels, 3), nn.Sigmoid())
        self.mask_head = mask_head(spec.channels)

    def restore(self, frames: Float[Tensor, "b t 3 h w"], state: State) -> Restored:
        x, state = self.features(frames, state)
        (b, t), (h, w) = frames.shape[:2], frames.shape[3:]
        painted = self.inpaint_head(x).reshape(b, t, 3, h, w)
        mask = self.mask_head(x).reshape(b, t, 1, h, w)
        return Restored(frames * (1 - mask) + painted * mask, mask, state)
