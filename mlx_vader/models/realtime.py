"""Realtime: plain 3x3 convolutions at a quarter of the size, for the Neural Engine.

The engine computes dense 3x3 convolutions of 64 channels and more near its peak and pays for everything else in
memory traffic, so the frame is unshuffled by 4, and the network is pairs of such convolutions with one addition each.
It remembers a feature map from frame to frame. Its heads say where an artifact is (m), what lies beneath it (fill),
and what to add elsewhere (r): out = (x + r)(1 - m) + fill m, so that clean pixels pass through.
"""

from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.layers.rep import RepConv3x3
from mlx_vader.layers.shuffle import pixel_shuffle, pixel_unshuffle
from mlx_vader.models.base import Network, Restored, State

STRIDE = 4
#: Subpixels of a colour at a quarter of the size.
SUBPIXELS = STRIDE * STRIDE


@dataclass(frozen=True)
class RealtimeSpec:
    """`pairs` of convolutions with `channels`; `hidden` channels are remembered from frame to frame."""

    channels: int = 96
    pairs: int = 6
    hidden: int = 32


PRESETS = {
    "tiny": RealtimeSpec(channels=16, pairs=1, hidden=8),
    "small": RealtimeSpec(channels=64, pairs=5),
    "base": RealtimeSpec(),
    "large": RealtimeSpec(channels=128, pairs=8),
}


class Pair(nn.Module):
    """Two convolutions and one addition."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = RepConv3x3(channels, channels)
        self.conv2 = RepConv3x3(channels, channels)

    def __call__(self, x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h w c"]:
        return x + self.conv2(nn.relu(self.conv1(x)))


class Realtime(Network):
    """Restores frame by frame."""

    stride = STRIDE

    def __init__(self, spec: RealtimeSpec) -> None:
        super().__init__()
        self.spec = spec
        self.stem = RepConv3x3(3 * SUBPIXELS + spec.hidden, spec.channels)
        self.body = [Pair(spec.channels) for _ in range(spec.pairs)]
        self.remember = RepConv3x3(spec.channels, spec.hidden)
        self.paint = RepConv3x3(spec.channels, 4 * SUBPIXELS)
        self.correct = RepConv3x3(spec.channels, 3 * SUBPIXELS)
        # Fresh, it corrects nothing: a clean picture passes through.
        self.correct.gain3, self.correct.gain1 = mx.zeros(3 * SUBPIXELS), mx.zeros(3 * SUBPIXELS)

    def state_spec(self, height: int, width: int) -> dict[str, tuple[int, ...]]:
        return {"hidden": (-(-height // STRIDE), -(-width // STRIDE), self.spec.hidden)}

    def restore(self, frames: Float[mx.array, "b t h w 3"], state: State) -> Restored:
        hidden, restored, masks = state["hidden"], [], []
        for time in range(frames.shape[1]):
            image, mask, hidden = self._frame(frames[:, time], hidden)
            restored.append(image)
            masks.append(mask)
        return Restored(mx.stack(restored, axis=1), mx.stack(masks, axis=1), {"hidden": hidden})

    def _frame(self, frame: Float[mx.array, "b h w 3"], hidden: Float[mx.array, "b h4 w4 c"]) -> Any:
        colours = pixel_unshuffle(frame, STRIDE)
        x = nn.relu(self.stem(mx.concatenate([colours, hidden], axis=-1)))
        for pair in self.body:
            x = pair(x)
        # What is remembered comes first: the engine need not keep x for it.
        hidden = mx.tanh(self.remember(x))
        fill, mask = mx.split(mx.sigmoid(self.paint(x)), [3 * SUBPIXELS], axis=-1)
        corrected = colours + self.correct(x)
        # (x + r)(1 - m) + fill m, in one multiplication.
        out = corrected + mx.concatenate([mask] * 3, axis=-1) * (fill - corrected)
        return pixel_shuffle(mx.clip(out, 0, 1), STRIDE), pixel_shuffle(mask, STRIDE), hidden
