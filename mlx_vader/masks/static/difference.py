"""What a mark changes of the mean picture: the picture whose gradients, within a region, are those that persist.

Over a scene that moves, the mean of all frames is smooth but for the mark; over several shots the median of the shots'
gradients is the mark's. The difference whose gradients are nearest to these, and that is zero at the picture's border,
solves Poisson's equation, here by sine transforms: Pérez et al., "Poisson Image Editing", SIGGRAPH 2003; for marks
Dekel et al., "On the Effectiveness of Visible Watermarks", CVPR 2017.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy import fft

from mlx_vader.masks.static.statistics import LUMA, find_shots, gradients

Plane = Float32[np.ndarray, "h w"]


class Gradient(NamedTuple):
    """Differences to the pixel on the right and to the one below, in levels."""

    x: Plane
    y: Plane


def persistent(frames: UInt8[np.ndarray, "n h w 3"]) -> list[Gradient]:
    """The gradients of brightness, red and blue that stay: the mean over a shot's parts, the median over shots."""
    shots = find_shots(frames)
    pictures = np.stack(
        [frames[shots.labels == shot].mean(axis=0, dtype=np.float32) for shot in range(shots.count)]
    )
    middle = np.median if shots.cut else np.mean
    return [Gradient(*(middle(each, axis=0) for each in gradients(plane))) for plane in _planes(pictures)]


def gradients_of(picture: Float32[np.ndarray, "h w 3"]) -> list[Gradient]:
    """The same of one picture."""
    return [Gradient(*(each[0] for each in gradients(plane))) for plane in _planes(picture[None])]


def _planes(pictures: Float32[np.ndarray, "n h w 3"]) -> Sequence[Float32[np.ndarray, "n h w"]]:
    return pictures @ LUMA, pictures[..., 0], pictures[..., 2]


def difference(persisting: Sequence[Gradient], region: Bool[np.ndarray, "h w"]) -> Plane:
    """How much is laid over the picture by what has its gradients in the region; the largest of the planes, levels."""
    across, down = np.zeros_like(region), np.zeros_like(region)
    across[:, :-1] = region[:, :-1] | region[:, 1:]
    down[:-1] = region[:-1] | region[1:]
    each = [np.abs(_solved(np.where(across, x, 0), np.where(down, y, 0))) for x, y in persisting]
    return np.maximum.reduce(each)


def _solved(x: Plane, y: Plane) -> Plane:
    """The picture, 0 beyond the border, whose gradients are nearest to (x, y)."""
    divergence = x + y
    divergence[:, 1:] -= x[:, :-1]
    divergence[1:] -= y[:-1]
    down, across = (2 * np.cos(np.pi * np.arange(1, side + 1) / (side + 1)) - 2 for side in x.shape)
    return fft.idstn(
        fft.dstn(divergence, type=1) / (down[:, None] + across).astype(np.float32), type=1
    ).astype(np.float32)
