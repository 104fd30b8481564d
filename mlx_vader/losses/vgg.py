"""VGG16 perceptual loss: L1 between the features behind torchvision's layers 3, 8, 15 and 22."""

from dataclasses import dataclass

import mlx.core as mx
from jaxtyping import Float

from mlx_vader.losses.backbones import VGG, Weights, features

#: relu1_2, relu2_2, relu3_3, relu4_3.
TAPS = VGG.taps[:4]

#: What ImageNet classifiers were trained with, for images in [0, 1].
MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class VGGLoss:
    """`weights`: the convolutions of VGG16 up to `features.21`."""

    weights: Weights

    def __call__(self, restored: Float[mx.array, "n h w 3"], clean: Float[mx.array, "n h w 3"]) -> mx.array:
        """The sum over the layers of the mean absolute difference, of frames in [0, 1]; no gradient to `clean`."""
        ours = features(VGG, self.weights, _normalised(restored), TAPS)
        theirs = features(VGG, self.weights, _normalised(mx.stop_gradient(clean)), TAPS)
        loss = mx.zeros(())
        for a, b in zip(ours, theirs, strict=True):
            loss = loss + mx.abs(a - b).mean()
        return loss


def _normalised(frames: Float[mx.array, "n h w 3"]) -> Float[mx.array, "n h w 3"]:
    return (frames - mx.array(MEAN)) / mx.array(STANDARD_DEVIATION)
