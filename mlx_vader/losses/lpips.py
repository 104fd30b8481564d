"""LPIPS 0.1 (Zhang et al. 2018): the distance between two images as a trained eye sees it.

Unit-length features of a classifier, their squared difference weighted per channel by learned linear heads.
"""

from dataclasses import dataclass

import mlx.core as mx
from jaxtyping import Float

from mlx_vader.losses.backbones import BACKBONES, Weights, features

#: The published normalisation, for images in [-1, 1].
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


@dataclass(frozen=True)
class LPIPS:
    """`network` is a name of `BACKBONES`; `weights` its convolutions, and the heads `lin.N` of shape (c,)."""

    network: str
    weights: Weights

    def __call__(self, restored: Float[mx.array, "n h w 3"], clean: Float[mx.array, "n h w 3"]) -> mx.array:
        """Mean distance of frames in [0, 1]; no gradient to `clean`."""
        ours, theirs = self.features(restored), self.features(mx.stop_gradient(clean))
        distance = mx.zeros(())
        for level, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            difference = mx.square(_unit(a) - _unit(b)) * self.weights[f"lin.{level}"]
            distance = distance + difference.sum(axis=-1).mean()
        return distance

    def features(self, frames: Float[mx.array, "n h w 3"]) -> list[Float[mx.array, "n h2 w2 c"]]:
        """What the network sees in frames in [0, 1], layer by layer."""
        return features(BACKBONES[self.network], self.weights, _normalised(frames))


def _normalised(frames: Float[mx.array, "n h w 3"]) -> Float[mx.array, "n h w 3"]:
    return (2 * frames - 1 - mx.array(SHIFT)) / mx.array(SCALE)


def _unit(x: Float[mx.array, "n h w c"]) -> Float[mx.array, "n h w c"]:
    # The published 1e-10 beside the norm; the floor under the root keeps the gradient of a zero feature finite.
    return x / (mx.sqrt(mx.square(x).sum(axis=-1, keepdims=True) + 1e-20) + 1e-10)
