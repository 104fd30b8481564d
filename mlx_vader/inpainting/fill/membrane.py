"""Membranes over the holes of clips. Where nothing but a gradient surrounds a hole a membrane is the better guess; in
texture a network is.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from mlx_vader.arrays import Clip, Flows, Masks
from mlx_vader.membrane import BLOCK, Colours, Membrane, membrane_over

#: Standard deviation of the surroundings at which network and membrane count alike. Between 0.009 and 0.016 nothing
#: changes by more than 0.2 dB on held-out photographs.
SMOOTH_STD = 0.012

_LUMA = np.full(3, 1 / 3, np.float32)
_BLOCK_MEAN = np.full(BLOCK * BLOCK, 1 / (BLOCK * BLOCK), np.float32)


def fill_with_membrane(frames: Clip, mask: Masks, flow: Flows | None = None) -> Clip:
    """A membrane in every hole; what the frames show there does not count."""
    return _fill_each(frames, mask, lambda pixels, membrane: 1.0)


def fill_smooth_places(frames: Clip, mask: Masks, flow: Flows | None = None) -> Clip:
    """A membrane in the holes as far as their surroundings are smooth, and the network's painting beyond.

    `frames` are a network's, in [0, 1], inside the holes and around them.
    """
    return _fill_each(frames, mask, _smoothness)


def _fill_each(frames: Clip, mask: Masks, weight_of: Callable[[Colours, Membrane], Any]) -> Clip:
    """The membrane counts as `weight_of` says, from 0 to 1 for each hole pixel; the frames count for the rest."""
    result = frames.copy()
    for frame, hole in zip(result, mask[..., 0] > 0.5, strict=True):
        if hole.any() and not hole.all():
            membrane, pixels = membrane_over(hole), frame.reshape(-1, frame.shape[-1])
            painted = np.take(pixels, membrane.places, axis=0)
            weight = weight_of(pixels, membrane)
            pixels[membrane.places] = painted + weight * (membrane.stretched(pixels) - painted)
    return result


def _smoothness(pixels: Colours, membrane: Membrane) -> Any:
    """How much the membrane counts at each pixel of the hole, (n, 1)."""
    blocks = membrane.blocks
    if blocks is None:
        return 0.0
    luma = np.take(pixels, blocks.pixels, axis=0) @ _LUMA
    variance = np.einsum("bp,bp->b", luma, luma) / luma.shape[1] - np.square(luma @ _BLOCK_MEAN)
    inside = blocks.membrane.solved(np.maximum(variance, 0)[:, None])
    smooth = SMOOTH_STD**2 / (inside + np.float32(SMOOTH_STD**2))
    return np.take(smooth, blocks.of_hole, axis=0)
