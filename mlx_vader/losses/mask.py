"""Supervision of the predicted mask. Only clips whose true mask is known count.

Sums are divided by the size of the batch, not by the number of known clips, so that the losses of the parts of a batch
(gradient accumulation, several machines) average to the loss of the whole.
"""

import mlx.core as mx
from jaxtyping import Bool, Float

# Keeps log(0) out; below the resolution of a saturated sigmoid in fp32.
EPSILON = 1e-6
# Dice of two empty masks is a perfect match.
SMOOTH = 1.0


def bce(
    predicted: Float[mx.array, "b t h w 1"], mask: Float[mx.array, "b t h w 1"], known: Bool[mx.array, " b"]
) -> mx.array:
    """Binary cross-entropy of probabilities in [0, 1]."""
    probability = mx.clip(predicted, EPSILON, 1 - EPSILON)
    entropy = -(mask * mx.log(probability) + (1 - mask) * mx.log(1 - probability))
    return _mean_of_known(entropy.mean(axis=(1, 2, 3, 4)), known)


def dice_l1(
    predicted: Float[mx.array, "b t h w 1"], mask: Float[mx.array, "b t h w 1"], known: Bool[mx.array, " b"]
) -> mx.array:
    """One minus the Dice coefficient of each clip, plus the mean absolute difference."""
    axes = (1, 2, 3, 4)
    overlap = (predicted * mask).sum(axis=axes)
    total = predicted.sum(axis=axes) + mask.sum(axis=axes)
    dice = 1 - (2 * overlap + SMOOTH) / (total + SMOOTH)
    return _mean_of_known(dice + mx.abs(predicted - mask).mean(axis=axes), known)


def _mean_of_known(losses: Float[mx.array, " b"], known: Bool[mx.array, " b"]) -> mx.array:
    return mx.where(known, losses, 0).mean()
