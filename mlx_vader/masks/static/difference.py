"""What a mark changes of the mean picture: the picture whose gradients, within a region, are those that persist.

Over a scene that moves, the mean of all frames is smooth but for the mark; over several shots the median of the shots'
gradients is the mark's. The difference whose gradients are nearest to these, and that is zero at the picture's border,
solves Poisson's equation, here by sine transforms: Pérez et al., "Poisson Image Editing", SIGGRAPH 2003; for marks
Dekel et al., "On the Effectiveness of Visible Watermarks", CVPR 2017.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from scipy import sparse
from scipy.sparse.linalg import splu

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


def difference(
    persisting: Sequence[Gradient], edges: Bool[np.ndarray, "h w"], room: Bool[np.ndarray, "h w"]
) -> Plane:
    """How much is laid over the picture within `room` by what has its gradients at `edges`.

    The largest of the planes, in levels; 0 outside.
    """
    across, down = np.zeros_like(edges), np.zeros_like(edges)
    across[:, :-1] = edges[:, :-1] | edges[:, 1:]
    down[:-1] = edges[:-1] | edges[1:]
    laid = np.zeros(room.shape, np.float32)
    solve = _solver(room)
    divergences = []
    for x, y in persisting:
        divergence = np.where(across, x, 0)
        divergence[:, 1:] -= divergence[:, :-1].copy()
        vertical = np.where(down, y, 0)
        divergence += vertical
        divergence[1:] -= vertical[:-1]
        divergences.append(divergence[room])
    laid[room] = np.abs(solve(-np.stack(divergences, axis=-1))).max(axis=-1)
    return laid


def _solver(room: Bool[np.ndarray, "h w"]) -> Callable[[np.ndarray], np.ndarray]:
    """Solves Poisson's equation in a region: takes minus the divergence of its pixels, row by row."""
    number = np.full(room.shape, -1)
    number[room] = np.arange(room.sum())
    pairs = [
        (one[met], other[met])
        for one, other in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:]))
        for met in [(one >= 0) & (other >= 0)]
    ]
    one, other = (np.concatenate(each) for each in zip(*pairs, strict=True))
    count = int(room.sum())
    diagonal = np.arange(count)
    matrix = sparse.csc_matrix(
        (
            np.concatenate([np.full(count, 4.0), np.full(2 * len(one), -1.0)]),
            (np.concatenate([diagonal, one, other]), np.concatenate([diagonal, other, one])),
        ),
        (count, count),
    )
    return splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve
