"""What the finder of marks learns from: where marks are, and whether anything can be decided."""

import mlx.core as mx
from jaxtyping import Float

from mlx_vader.losses.mask import EPSILON, SMOOTH

#: How much more a pixel of a mark counts: there are few of them.
MARK_WEIGHT = 3.0
#: Weights of the losses beside the cross-entropy of the mask.
DICE, UNDECIDABLE = 0.5, 0.1


def finding(
    mask: Float[mx.array, "b 1 h w 1"],
    undecidable: Float[mx.array, "b 1 1"],
    true_mask: Float[mx.array, "b 1 h w 1"],
    certainty: Float[mx.array, "b 1 h w 1"],
    still: Float[mx.array, "b 1 1"],
) -> tuple[mx.array, dict[str, mx.array]]:
    """The weighted sum and its parts; probabilities and targets in [0, 1], `certainty` is how much a pixel counts.

    The Dice loss is of the samples that have a mark.
    """
    axes = (1, 2, 3, 4)
    weight = certainty * (1 + (MARK_WEIGHT - 1) * true_mask)
    entropy = (weight * _entropy(mask, true_mask)).mean()
    overlap = (certainty * mask * true_mask).sum(axis=axes)
    total = (certainty * (mask + true_mask)).sum(axis=axes)
    marked = true_mask.max(axis=axes)
    dice = (marked * (1 - (2 * overlap + SMOOTH) / (total + SMOOTH))).mean()
    decision = _entropy(undecidable, still).mean()
    parts = {"mask": entropy, "dice": dice, "undecidable": decision}
    return entropy + DICE * dice + UNDECIDABLE * decision, parts


def _entropy(probability: mx.array, target: mx.array) -> mx.array:
    probability = mx.clip(probability, EPSILON, 1 - EPSILON)
    return -(target * mx.log(probability) + (1 - target) * mx.log(1 - probability))
