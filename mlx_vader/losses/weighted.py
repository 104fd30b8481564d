"""The weighted sum that training minimises."""

from collections.abc import Callable

import mlx.core as mx
from jaxtyping import Bool, Float

from mlx_vader.loss_weights import LossWeights
from mlx_vader.losses.charbonnier import charbonnier
from mlx_vader.losses.edge import edge
from mlx_vader.losses.fft import fft
from mlx_vader.losses.mask import bce, dice_l1
from mlx_vader.losses.rmse import rmse
from mlx_vader.losses.temporal import temporal

#: `(restored, clean) -> scalar` on frames `(n, h, w, 3)` in [0, 1].
Perceptual = Callable[[mx.array, mx.array], mx.array]

MASK_LOSSES = {"dice": dice_l1, "bce": bce}


def total(
    restored: Float[mx.array, "b t h w 3"],
    predicted_mask: Float[mx.array, "b t h w 1"] | None,
    clean: Float[mx.array, "b t h w 3"],
    mask: Float[mx.array, "b t h w 1"],
    mask_known: Bool[mx.array, " b"],
    weights: LossWeights,
    *,
    perceptual: Perceptual | None = None,
    mask_loss: str = "dice",
    mask_weight: float = 1.0,
    mask_decay: mx.array | float = 1.0,
) -> tuple[mx.array, dict[str, mx.array]]:
    """The sum of the losses times their weights, and each loss by name, unweighted, for the logs.

    `mask_weight` is how much more a pixel inside the true mask counts in the Charbonnier loss; `mask_decay` scales the
    weight of the mask loss, which stage 2 lowers as it goes. Without a perceptual network or a predicted mask those
    losses are left out.
    """
    parts: dict[str, mx.array] = {}
    if weights.charbonnier:
        parts["charbonnier"] = charbonnier(restored, clean, mask, mask_weight)
    if weights.rmse:
        parts["rmse"] = rmse(restored, clean)
    if weights.perceptual and perceptual is not None:
        parts["perceptual"] = perceptual(restored.flatten(0, 1), clean.flatten(0, 1))
    if weights.temporal and restored.shape[1] > 1:
        parts["temporal"] = temporal(restored, clean)
    if weights.fft:
        parts["fft"] = fft(restored, clean)
    if weights.edge:
        parts["edge"] = edge(restored, clean)
    if weights.mask and predicted_mask is not None:
        parts["mask"] = MASK_LOSSES[mask_loss](predicted_mask, mask, mask_known)
    loss = mx.zeros(())
    for name, part in parts.items():
        scale = getattr(weights, name) * (mask_decay if name == "mask" else 1.0)
        loss = loss + scale * part
    return loss, parts
