"""TemporalNAFUNet, the v1 network: a U-Net of NAF blocks with attention across frames and a mask head.

Source: the v1 network, key for key. Cost at 720p, multiply-adds per frame, counted on the twin by
`torch.utils.flop_counter`: `large` 454 G, `base` 118 G.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.errors import UsageError, choices
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

GUIDANCE = ("none", "modulation", "concat", "residual", "skip_gate", "attn_gate")
_EARLY_MASK = {"skip_gate": "skips", "attn_gate": "attention"}


@dataclass(frozen=True)
class NAFUNetSpec:
    """`num_frames` see each other (1: causal), and the `memory` frames before them; `guidance`: what the mask does."""

    channels: Channels = 16
    blocks: Count = 2
    heads: Count = 4
    num_frames: Count = 1
    memory: CountOrNone = 4
    temporal: bool = True
    predict_mask: bool = True
    guidance: str = "modulation"
    residual: bool = True

    def __post_init__(self) -> None:
        if self.guidance not in GUIDANCE:
            raise UsageError(f"unknown guidance {self.guidance!r}", hint=choices(self.guidance, GUIDANCE))
        if self.guidance != "none" and not self.predict_mask:
            raise UsageError(f"guidance {self.guidance!r} needs the mask head", hint="set predict_mask")
        if self.guidance == "attn_gate" and not self.temporal:
            raise UsageError(
                "guidance 'attn_gate' gates the temporal attention, which is off", hint="leave it on"
            )
        check_heads(self.channels, self.heads)

    @property
    def interface(self) -> Interface:
        """A frame at a time unless frames of a window see each other."""
        return restoration(
            stride=STRIDE,
            window=self.num_frames if self.temporal else 1,
            mask=self.predict_mask,
            state=memory_ports(self.channels, self.memory, self.temporal),
        )


PRESETS = {
    "tiny": NAFUNetSpec(channels=8, blocks=1),
    "lite": NAFUNetSpec(channels=16, blocks=1),
    "small": NAFUNetSpec(channels=16),
    "base": NAFUNetSpec(channels=32),
    "large": NAFUNetSpec(channels=64),
}


class MaskModulation(nn.Module):
    """Scales and shifts features where the mask is set."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = mx.zeros((1, 1, 1, channels))
        self.bias = mx.zeros((1, 1, 1, channels))

    def __call__(
        self, x: Float[mx.array, "n h w c"], mask: Float[mx.array, "n h w 1"]
    ) -> Float[mx.array, "n h w c"]:
        return x * (1 + self.scale * mask) + self.bias * mask


class TemporalNAFUNet(NAFUNet, Network):
    """Predicts clean frames (or, with `residual`, what to add), and where the artifacts are."""

    painting_heads = ("out_conv", "mask_modulation")
    mask_bias = ("mask_conv.2.bias", 1)

    def __init__(self, spec: NAFUNetSpec) -> None:
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
        self.out_conv = pixel_head(c + (spec.guidance == "concat"), c, 3)
        if spec.predict_mask:
            self.mask_conv = mask_head(c)
        if spec.guidance == "modulation":
            self.mask_modulation = MaskModulation(c)

    def restore(self, frames: Float[mx.array, "b t h w 3"], state: State) -> Restored:
        x, state = self.features(frames, state)
        mask = sequential(self.mask_conv, x) if self.spec.predict_mask else None
        if mask is not None and self.spec.guidance == "modulation":
            x = self.mask_modulation(x, mask)
        elif mask is not None and self.spec.guidance == "concat":
            x = mx.concatenate([x, mask], axis=-1)
        out = sequential(self.out_conv, x)
        if mask is not None and self.spec.guidance == "residual":
            out = mx.clip(frames.flatten(0, 1) + out * mask, 0, 1)
        elif self.spec.residual:
            out = mx.clip(frames.flatten(0, 1) + out, 0, 1)
        leading = frames.shape[:4]
        return Restored(out.reshape(*leading, 3), None if mask is None else mask.reshape(*leading, 1), state)

    @staticmethod
    def published_spec(shapes: PublishedShapes, config: Mapping[str, Any]) -> NAFUNetSpec | None:
        """Of `nafunet.pt` and `nafunet_widescale.pt`, whose keys are ours."""
        if "out_conv.0.weight" not in shapes or "in_conv.weight" not in shapes:
            return None
        return NAFUNetSpec(
            **published_body(shapes),
            predict_mask="mask_conv.0.weight" in shapes,
            guidance=_published_guidance(shapes, config),
            residual=bool(config.get("residual_learning", config.get("residual", False))),
        )


def _published_guidance(shapes: PublishedShapes, config: Mapping[str, Any]) -> str:
    if "mask_modulation.scale" in shapes:
        return "modulation"
    if "skip_gate_strength" in shapes:
        return "skip_gate"
    if "temporal_attn.mask_scale" in shapes:
        return "attn_gate"
    outputs, inputs = shapes["out_conv.0.weight"][:2]
    if inputs > outputs:
        return "concat"
    # The residual guidance has no weights of its own.
    return "residual" if config.get("mask_guidance") == "residual" else "none"
