"""TemporalNAFUNet, the v1 network: a U-Net of NAF blocks with attention across frames and a mask head.

Source: the v1 network, key for key. Cost at 720p, multiply-adds per frame, counted on the twin by
`torch.utils.flop_counter`: `large` 454 G, `base` 118 G.
"""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from torch_ref.layers.naf import mask_head, pixel_head
from torch_ref.layers.naf_unet import NAFUNet
from torch_ref.models.base import Network, Restored, State

if TYPE_CHECKING:
    from mlx_vader.models.nafunet import NAFUNetSpec

_EARLY_MASK = {"skip_gate": "skips", "attn_gate": "attention"}


class MaskModulation(nn.Module):
    """Scales and shifts features where the mask is set."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(
        self, x: Float[Tensor, "n c h w"], mask: Float[Tensor, "n 1 h w"]
    ) -> Float[Tensor, "n c h w"]:
        return x * (1 + self.scale * mask) + self.bias * mask


class TemporalNAFUNet(NAFUNet, Network):
    """Predicts clean frames (or, with `residual`, what to add), and where the artifacts are."""

    def __init__(self, spec: "NAFUNetSpec") -> None:
        super().__init__(
            spec.channels,
            spec.blocks,
            spec.heads,
            spec.num_frames,
            spec.memory,
            spec.temporal,
            _EARLY_MASK.get(spec.guidance, ""),
        )
        c = spec.channels
        self.spec = spec
        self.out_conv = nn.Sequential(*pixel_head(c + (spec.guidance == "concat"), c, 3))
        if spec.predict_mask:
            self.mask_conv = mask_head(c)
        if spec.guidance == "modulation":
            self.mask_modulation = MaskModulation(c)

    def restore(self, frames: Float[Tensor, "b t 3 h w"], state: State) -> Restored:
        x, state = self.features(frames, state)
        mask = self.mask_conv(x) if self.spec.predict_mask else None
        if mask is not None and self.spec.guidance == "modulation":
            x = self.mask_modulation(x, mask)
        elif mask is not None and self.spec.guidance == "concat":
            x = torch.cat([x, mask], dim=1)
        out = self.out_conv(x)
        if mask is not None and self.spec.guidance == "residual":
            out = (frames.flatten(0, 1) + out * mask).clamp(0, 1)
        elif self.spec.residual:
            out = (frames.flatten(0, 1) + out).clamp(0, 1)
        (b, t), (h, w) = frames.shape[:2], frames.shape[3:]
        return Restored(
            out.reshape(b, t, 3, h, w), None if mask is None else mask.reshape(b, t, 1, h, w), state
        )
