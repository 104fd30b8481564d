"""Realtime: plain 3x3 convolutions at a quarter of the size, for the Neural Engine.

The engine computes dense 3x3 convolutions of 64 channels and more near its peak and pays for everything else in
memory traffic, so the frame is unshuffled by 4, and the network is pairs of such convolutions with one addition each.
It remembers a feature map from frame to frame. Its heads say where an artifact is (m), what lies beneath it (fill),
and what to add elsewhere (r): out = (x + r)(1 - m) + fill m, so that clean pixels pass through. A hint may say where
overlays are: one network works blind and with a user's mask.
"""

from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.interface import Interface, StatePort
from mlx_vader.layers.rep import Gains, RepConv3x3
from mlx_vader.layers.shuffle import pixel_shuffle, pixel_unshuffle
from mlx_vader.models.base import Channels, Count, Network, Restored, State, restoration

STRIDE = 4
#: Factor on the first layer's fresh weights for the hint and the hidden state.
HINT_INIT_SCALE = 0.1
#: Factor on the corrections. Muon's steps are of one size, however small the error: without the factor each would
#: change every colour by more than most artifacts do, and the head would learn to be silent.
RESIDUAL_SCALE = 1 / 32
#: Subpixels of a colour at a quarter of the size.
SUBPIXELS = STRIDE * STRIDE


@dataclass(frozen=True)
class RealtimeSpec:
    """`blocks` of `convs` convolutions with `channels`; `hidden` channels are remembered from frame to frame.

    `skips`: an addition around each block. Without them the identity branch of each convolution does their work.
    """

    channels: Channels = 96
    blocks: Count = 5
    convs: Count = 2
    skips: bool = True
    hidden: Channels = 16

    @property
    def interface(self) -> Interface:
        """A frame and what is known of its overlays, with a map of hidden channels as memory."""
        return restoration(stride=STRIDE, hint=True, state=(StatePort("hidden", self.hidden, STRIDE),))


PRESETS = {
    "tiny": RealtimeSpec(channels=16, blocks=1, hidden=8),
    "small": RealtimeSpec(channels=64),
    "base": RealtimeSpec(),
    "large": RealtimeSpec(channels=128, blocks=8),
}

#: What it learns best with; docs/realtime.md says how this was found.
RECIPE: dict[str, Any] = {
    "optimiser": "muon",
    "mask_loss": "bce",
    "losses": {"rmse": 1, "charbonnier": 0, "fft": 0, "perceptual": 0, "temporal": 0.3, "mask": 0.006},
}


class Block(nn.Module):
    """Convolutions with a ReLU after each; with a skip around them, the last has none and is added to the input."""

    def __init__(self, spec: RealtimeSpec) -> None:
        super().__init__()
        self.skip = spec.skips
        # Fresh blocks change little: gradients reach the first one as they left the last.
        gains = (
            [Gains()] * (spec.convs - 1) + [Gains(0.1, 0.03, 0.0)] if self.skip else [Gains(0.5, 0.3, 1.0)]
        )
        self.convs = [
            RepConv3x3(spec.channels, spec.channels, gains[place % len(gains)]) for place in range(spec.convs)
        ]

    def __call__(self, x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h w c"]:
        *before, last = self.convs
        y = x
        for conv in before:
            y = nn.relu(conv(y))
        return x + last(y) if self.skip else nn.relu(last(y))


class Realtime(Network):
    """Restores frame by frame."""

    recipe = RECIPE
    painting_heads = ("correct",)
    mask_bias = ("paint.bias", SUBPIXELS)
    state_gains = ("remember.gain1", "remember.gain3", "remember.bias")

    def __init__(self, spec: RealtimeSpec) -> None:
        super().__init__()
        self.spec = spec
        self.stem = RepConv3x3(4 * SUBPIXELS + spec.hidden, spec.channels)
        # Fresh, it sees the colours above all: a hint is as large as they are and says little yet.
        others = [HINT_INIT_SCALE] * (SUBPIXELS + spec.hidden)
        seen = mx.array([1.0] * 3 * SUBPIXELS + others)
        self.stem.weight3, self.stem.weight1 = self.stem.weight3 * seen, self.stem.weight1 * seen
        self.body = [Block(spec) for _ in range(spec.blocks)]
        self.remember = RepConv3x3(spec.channels, spec.hidden)
        self.paint = RepConv3x3(spec.channels, 4 * SUBPIXELS, Gains(0.1, 0.03, 0.0))
        # Fresh, it corrects nothing and paints little: a picture passes through. The kernels are zero, not the gains:
        # behind gains of zero no kernel learns.
        self.correct = RepConv3x3(spec.channels, 3 * SUBPIXELS)
        self.correct.weight3 = mx.zeros_like(self.correct.weight3)
        self.correct.weight1 = mx.zeros_like(self.correct.weight1)
        self.paint.bias = mx.array([0.0] * 3 * SUBPIXELS + [-3.0] * SUBPIXELS)

    def restore(
        self,
        frames: Float[mx.array, "b t h w 3"],
        state: State,
        hint: Float[mx.array, "b t h w 1"] | None = None,
    ) -> Restored:
        """Frame after frame; without a hint nothing is known."""
        hint = mx.zeros_like(frames[..., :1]) if hint is None else hint
        hidden, restored, masks = state["hidden"], [], []
        for time in range(frames.shape[1]):
            image, mask, hidden = self._frame(frames[:, time], hint[:, time], hidden)
            restored.append(image)
            masks.append(mask)
        return Restored(mx.stack(restored, axis=1), mx.stack(masks, axis=1), {"hidden": hidden})

    def _frame(
        self,
        frame: Float[mx.array, "b h w 3"],
        hint: Float[mx.array, "b h w 1"],
        hidden: Float[mx.array, "b h4 w4 c"],
    ) -> Any:
        colours = pixel_unshuffle(frame, STRIDE)
        seen = mx.concatenate([colours, pixel_unshuffle(hint, STRIDE), hidden], axis=-1)
        x = nn.relu(self.stem(seen))
        for block in self.body:
            x = block(x)
        # What is remembered comes first: the engine need not keep x for it.
        hidden = mx.tanh(self.remember(x))
        fill, mask = mx.split(mx.sigmoid(self.paint(x)), [3 * SUBPIXELS], axis=-1)
        corrected = colours + RESIDUAL_SCALE * self.correct(x)
        # (x + r)(1 - m) + fill m, in one multiplication.
        out = corrected + mx.concatenate([mask] * 3, axis=-1) * (fill - corrected)
        return pixel_shuffle(mx.clip(out, 0, 1), STRIDE), pixel_shuffle(mask, STRIDE), hidden
