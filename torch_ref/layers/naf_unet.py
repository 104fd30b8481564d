"""The U-Net of NAF blocks that the v1 networks share: from frames to features, with a memory across frames."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from torch_ref.layers.conv import conv3x3, pointwise
from torch_ref.layers.naf import DownBlock, NAFBlock, UpBlock
from torch_ref.layers.resize import upsample_bilinear
from torch_ref.layers.temporal_attention import Memory, TemporalAttention

#: Three halvings: height and width are multiples of 8.
STRIDE = 8


class MaskGuidedTemporalAttention(nn.Module):
    """Raises the features where an early mask sees an artifact, then attends across frames."""

    def __init__(self, channels: int, heads: int, num_frames: int, memory: int) -> None:
        super().__init__()
        self.base_attn = TemporalAttention(channels, heads, num_frames, memory)
        self.mask_scale = nn.Parameter(torch.tensor(1.0))

    def forward(
        self, x: Float[Tensor, "b t c h w"], mask: Float[Tensor, "b t 1 h w"], memory: Memory
    ) -> tuple[Tensor, Memory]:
        return self.base_attn(x * (1 + self.mask_scale * mask), memory)


class NAFUNet(nn.Module):
    """Encoder, bottleneck with temporal attention, decoder.

    `channels` is the width c at full size; the stages have c, 2c, 4c and 8c. `early_mask` is "attention" or "skips",
    for the guidance variants that predict a mask at the bottleneck and use it there.
    """

    def __init__(
        self,
        channels: int,
        blocks: int,
        heads: int,
        num_frames: int,
        memory: int,
        temporal: bool,
        early_mask: str = "",
    ) -> None:
        super().__init__()
        widths = [channels, 2 * channels, 4 * channels, 8 * channels]
        self.temporal, self.early_mask = temporal, early_mask
        self.in_conv = conv3x3(3, channels)
        self.encoders = nn.ModuleList(DownBlock(a, b, blocks) for a, b in pairwise(widths))
        self.bottleneck = nn.Sequential(*[NAFBlock(widths[-1]) for _ in range(blocks)])
        if temporal:
            attention = MaskGuidedTemporalAttention if early_mask == "attention" else TemporalAttention
            self.temporal_attn = attention(widths[-1], heads, num_frames, memory)
        if early_mask:
            self.early_mask_conv = nn.Sequential(
                pointwise(widths[-1], 2 * channels), nn.GELU(), pointwise(2 * channels, 1), nn.Sigmoid()
            )
        if early_mask == "skips":
            self.skip_gate_strength = nn.Parameter(torch.tensor(0.5))
        self.decoders = nn.ModuleList(UpBlock(a, b, blocks) for a, b in pairwise(reversed(widths)))

    def features(
        self, frames: Float[Tensor, "b t 3 h w"], state: dict[str, Tensor]
    ) -> tuple[Float[Tensor, "n c h w"], dict[str, Tensor]]:
        """Features at full size, frames folded into the batch, and the state after the last frame."""
        b, t = frames.shape[:2]
        x = self.in_conv(frames.flatten(0, 1))
        skips = []
        for encoder in self.encoders:
            x, skip = encoder(x)
            skips.append(skip)
        x = self.bottleneck(x)
        if self.temporal:
            x, state = self._attend(x.reshape(b, t, *x.shape[1:]), state)
        if self.early_mask == "skips":
            skips = self._gate(skips, self.early_mask_conv(x))
        for decoder, skip in zip(self.decoders, reversed(skips), strict=True):
            x = decoder(x, skip)
        return x, state

    def _attend(
        self, x: Float[Tensor, "b t c h w"], state: dict[str, Tensor]
    ) -> tuple[Float[Tensor, "n c h w"], dict[str, Tensor]]:
        b, t, c = x.shape[:3]
        memory = Memory(
            state.get("memory", x.new_zeros(b, 0, c)), state.get("memory_valid", x.new_zeros(b, 0))
        )
        if self.early_mask == "attention":
            mask = self.early_mask_conv(x.flatten(0, 1))
            x, memory = self.temporal_attn(x, mask.reshape(b, t, *mask.shape[1:]), memory)
        else:
            x, memory = self.temporal_attn(x, memory)
        return x.flatten(0, 1), {"memory": memory.tokens, "memory_valid": memory.valid} if state else {}

    def _gate(self, skips: list[Tensor], mask: Float[Tensor, "n 1 h w"]) -> list[Tensor]:
        """Suppresses what the encoder saw where it saw an artifact."""
        gate = self.skip_gate_strength.clamp(0, 1)
        masks = (upsample_bilinear(mask, 2 ** (len(skips) - level)) for level in range(len(skips)))
        return [skip * (1 - gate * m) for skip, m in zip(skips, masks, strict=True)]
