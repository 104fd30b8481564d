"""The U-Net of NAF blocks that the v1 networks share: from frames to features, with a memory across frames."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.errors import UsageError
from mlx_vader.interface import StatePort
from mlx_vader.layers.conv import Conv3x3, Pointwise
from mlx_vader.layers.naf import GELU, DownBlock, NAFBlock, UpBlock, sequential
from mlx_vader.layers.resize import resize_bilinear
from mlx_vader.layers.temporal_attention import TOKENS, Memory, TemporalAttention

#: Three halvings: height and width are multiples of 8.
STRIDE = 8


class MaskGuidedTemporalAttention(nn.Module):
    """Raises the features where an early mask sees an artifact, then attends across frames."""

    def __init__(self, channels: int, heads: int, num_frames: int, memory: int) -> None:
        super().__init__()
        self.base_attn = TemporalAttention(channels, heads, num_frames, memory)
        self.mask_scale = mx.array(1.0)

    def __call__(
        self, x: Float[mx.array, "b t h w c"], mask: Float[mx.array, "b t h w 1"], memory: Memory
    ) -> tuple[mx.array, Memory]:
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
        self.in_conv = Conv3x3(3, channels)
        self.encoders = [DownBlock(a, b, blocks) for a, b in pairwise(widths)]
        self.bottleneck = [NAFBlock(widths[-1]) for _ in range(blocks)]
        if temporal:
            attention: Any = MaskGuidedTemporalAttention if early_mask == "attention" else TemporalAttention
            self.temporal_attn = attention(widths[-1], heads, num_frames, memory)
        if early_mask:
            self.early_mask_conv = [
                Pointwise(widths[-1], 2 * channels),
                GELU(),
                Pointwise(2 * channels, 1),
                nn.Sigmoid(),
            ]
        if early_mask == "skips":
            self.skip_gate_strength = mx.array(0.5)
        self.decoders = [UpBlock(a, b, blocks) for a, b in pairwise(reversed(widths))]

    def features(
        self, frames: Float[mx.array, "b t h w 3"], state: dict[str, mx.array]
    ) -> tuple[Float[mx.array, "n h w c"], dict[str, mx.array]]:
        """Features at full size, frames folded into the batch, and the state after the last frame."""
        b, t = frames.shape[:2]
        x = self.in_conv(frames.flatten(0, 1))
        skips = []
        for encoder in self.encoders:
            x, skip = encoder(x)
            skips.append(skip)
        x = sequential(self.bottleneck, x)
        if self.temporal:
            x, state = self._attend(x.reshape(b, t, *x.shape[1:]), state)
        if self.early_mask == "skips":
            skips = self._gate(skips, sequential(self.early_mask_conv, x))
        for decoder, skip in zip(self.decoders, reversed(skips), strict=True):
            x = decoder(x, skip)
        return x, state

    def _attend(
        self, x: Float[mx.array, "b t h w c"], state: dict[str, mx.array]
    ) -> tuple[Float[mx.array, "n h w c"], dict[str, mx.array]]:
        b, c = x.shape[0], x.shape[-1]
        memory = Memory(
            state.get("memory", mx.zeros((b, 0, c), x.dtype)), state.get("memory_valid", mx.zeros((b, 0)))
        )
        if self.early_mask == "attention":
            mask = sequential(self.early_mask_conv, x)
            x, memory = self.temporal_attn(x, mask, memory)
        else:
            x, memory = self.temporal_attn(x, memory)
        return x.flatten(0, 1), {"memory": memory.tokens, "memory_valid": memory.valid} if state else {}

    def _gate(self, skips: list[mx.array], mask: Float[mx.array, "n h w 1"]) -> list[mx.array]:
        """Suppresses what the encoder saw where it saw an artifact."""
        gate = mx.clip(self.skip_gate_strength, 0, 1)
        return [skip * (1 - gate * resize_bilinear(mask, *skip.shape[1:3])) for skip in skips]


def check_heads(channels: int, heads: int) -> None:
    """Raises `UsageError` where the 8c channels of the temporal attention cannot be shared by so many heads."""
    if 8 * channels % heads:
        raise UsageError(
            f"{heads} heads cannot share {8 * channels} channels",
            hint="take a number that divides them, such as 4",
        )


def memory_ports(channels: int, memory: int, temporal: bool) -> tuple[StatePort, ...]:
    """The state of a `NAFUNet`, whatever the size of the frames: the summaries of `memory` frames."""
    if not temporal or not memory:
        return ()
    tokens = memory * TOKENS
    return (StatePort("memory", fixed=(tokens, 8 * channels)), StatePort("memory_valid", fixed=(tokens,)))


def published_body(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The fields of a spec that the shapes of a published v1 network tell, in PyTorch's layout.

    The published networks have no memory, and no weights were trained for one: it stays off.
    """
    positions = next((shape for name, shape in shapes.items() if name.endswith("temporal_pos")), None)
    return {
        "channels": shapes["in_conv.weight"][0],
        "blocks": len({name.split(".")[1] for name in shapes if name.startswith("bottleneck.")}),
        "num_frames": 1 if positions is None else positions[1],
        "memory": 0,
        "temporal": positions is not None,
    }
