"""Realtime: plain 3x3 convolutions at a quarter of the size, for the Neural Engine.

The engine computes dense 3x3 convolutions of 64 channels and more near its peak and pays for everything else in
memory traffic, so the frame is unshuffled by 4, and the network is pairs of such convolutions with one addition each.
It remembers a feature map from frame to frame. Two heads say how to multiply each pixel (g) and what to add (b):
out = g x + b. One and nothing passes it through, one and a little corrects it, zero and a colour paints it, and what
takes away a translucent overlay of opacity a and colour c is g = 1 / (1 - a), b = -c a / (1 - a). With a third head for
where overlays are, it is (x + r)(1 - m) + fill m for g = 1 - m, but no head is silenced where another one speaks. A
fourth channel of the frames is a hint where overlays are, so that one network works blind and with a user's mask.
"""

from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.layers.rep import Gains, RepConv3x3
from mlx_vader.layers.shuffle import pixel_shuffle, pixel_unshuffle
from mlx_vader.models.base import Network, Restored, State

STRIDE = 4
#: How much of the hint and of the memory a fresh network sees.
ASIDE = 0.1
#: What the heads for g and b are multiplied by. Muon's steps are of one size, however small the error: at their own
#: size they would each change every colour by more than most artifacts do, and the heads would learn to be silent.
FINELY = 1 / 32
#: Subpixels of a colour at a quarter of the size.
SUBPIXELS = STRIDE * STRIDE


@dataclass(frozen=True)
class RealtimeSpec:
    """`blocks` of `convs` convolutions with `channels`; `hidden` channels are remembered from frame to frame.

    `skips`: an addition around each block. Without them the identity branch of each convolution does their work.
    """

    channels: int = 96
    blocks: int = 5
    convs: int = 2
    skips: bool = True
    hidden: int = 32


PRESETS = {
    "tiny": RealtimeSpec(channels=16, blocks=1, hidden=8),
    "small": RealtimeSpec(channels=64),
    "base": RealtimeSpec(),
    "large": RealtimeSpec(channels=128, blocks=8),
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

    stride = STRIDE
    takes_hint = True

    def __init__(self, spec: RealtimeSpec) -> None:
        super().__init__()
        self.spec = spec
        self.stem = RepConv3x3(4 * SUBPIXELS + spec.hidden, spec.channels)
        # Fresh, it sees the colours above all: a hint is as large as they are and says little yet.
        others = [ASIDE] * (SUBPIXELS + spec.hidden)
        seen = mx.array([1.0] * 3 * SUBPIXELS + others)
        self.stem.weight3, self.stem.weight1 = self.stem.weight3 * seen, self.stem.weight1 * seen
        self.body = [Block(spec) for _ in range(spec.blocks)]
        self.remember = RepConv3x3(spec.channels, spec.hidden)
        # Fresh, it changes nothing and sees few overlays. The kernels are zero, not their gains: behind gains of zero
        # no kernel learns.
        self.gain = _silent(RepConv3x3(spec.channels, SUBPIXELS))
        self.offset = _silent(RepConv3x3(spec.channels, 3 * SUBPIXELS))
        self.mask = RepConv3x3(spec.channels, SUBPIXELS, Gains(0.1, 0.03, 0.0))
        self.mask.bias = mx.full((SUBPIXELS,), -3.0)

    def state_spec(self, height: int, width: int) -> dict[str, tuple[int, ...]]:
        return {"hidden": (-(-height // STRIDE), -(-width // STRIDE), self.spec.hidden)}

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
        mask = mx.sigmoid(self.mask(x))
        gain = nn.relu(1 + FINELY * self.gain(x))
        out = mx.concatenate([gain] * 3, axis=-1) * colours + FINELY * self.offset(x)
        return pixel_shuffle(mx.clip(out, 0, 1), STRIDE), pixel_shuffle(mask, STRIDE), hidden


def _silent(conv: RepConv3x3) -> RepConv3x3:
    conv.weight3, conv.weight1 = mx.zeros_like(conv.weight3), mx.zeros_like(conv.weight1)
    return conv
