"""Realtime: plain 3x3 convolutions at a quarter of the size; see `mlx_vader/models/realtime.py`."""

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from torch_ref.layers.rep import RepConv3x3
from torch_ref.models.base import Network, Restored, State

if TYPE_CHECKING:
    from mlx_vader.models.realtime import RealtimeSpec

STRIDE = 4
SUBPIXELS = STRIDE * STRIDE
RESIDUAL_SCALE = 1 / 32


class Block(nn.Module):
    """Convolutions with a ReLU after each; with a skip around them, the last has none and is added to the input."""

    def __init__(self, spec: "RealtimeSpec") -> None:
        super().__init__()
        self.skip = spec.skips
        self.convs = nn.ModuleList(RepConv3x3(spec.channels, spec.channels) for _ in range(spec.convs))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        *before, last = self.convs
        y = x
        for conv in before:
            y = functional.relu(conv(y))
        return x + last(y) if self.skip else functional.relu(last(y))


class Realtime(Network):
    """Restores frame by frame."""

    def __init__(self, spec: "RealtimeSpec") -> None:
        super().__init__()
        self.spec = spec
        self.stem = RepConv3x3(4 * SUBPIXELS + spec.hidden, spec.channels)
        self.body = nn.Sequential(*(Block(spec) for _ in range(spec.blocks)))
        self.remember = RepConv3x3(spec.channels, spec.hidden)
        self.paint = RepConv3x3(spec.channels, 4 * SUBPIXELS)
        self.correct = RepConv3x3(spec.channels, 3 * SUBPIXELS)

    def restore(
        self,
        frames: Float[Tensor, "b t 3 h w"],
        state: State,
        hint: Float[Tensor, "b t 1 h w"] | None = None,
    ) -> Restored:
        """Frame after frame; without a hint nothing is known."""
        hint = torch.zeros_like(frames[:, :, :1]) if hint is None else hint
        hidden, restored, masks = state["hidden"], [], []
        for frame, hinted in zip(frames.unbind(1), hint.unbind(1), strict=True):
            image, mask, hidden = self._frame(frame, hinted, hidden)
            restored.append(image)
            masks.append(mask)
        return Restored(torch.stack(restored, 1), torch.stack(masks, 1), {"hidden": hidden})

    def _frame(
        self,
        frame: Float[Tensor, "b 3 h w"],
        hint: Float[Tensor, "b 1 h w"],
        hidden: Float[Tensor, "b c h4 w4"],
    ) -> Any:
        colours = functional.pixel_unshuffle(frame, STRIDE)
        seen = torch.cat([colours, functional.pixel_unshuffle(hint, STRIDE), hidden], 1)
        x = self.body(functional.relu(self.stem(seen)))
        hidden = torch.tanh(self.remember(x))
        fill, mask = torch.sigmoid(self.paint(x)).split([3 * SUBPIXELS, SUBPIXELS], 1)
        corrected = colours + RESIDUAL_SCALE * self.correct(x)
        out = corrected + torch.cat([mask] * 3, 1) * (fill - corrected)
        image = functional.pixel_shuffle(out.clamp(0, 1), STRIDE)
        return image, functional.pixel_shuffle(mask, STRIDE), hidden
