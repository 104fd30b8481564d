"""Colours fetched from two frames become one, as far as each agrees with what is known around the hole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from mlx_vader.inpainting.propagation.layer import Layer
from mlx_vader.inpainting.propagation.sources import Sources
from mlx_vader.membrane import stretched_over
from mlx_vader.warping import sampled

#: What is measured on the ring is measured in cells of so many frame pixels.
CELL = 4
#: Over how many cells exposure is smoothed, and how many the trust (standard deviations of a Gaussian).
EXPOSURE, TRUST = 1.5, 3.0
#: Exposure differs by no more than so many levels; more is another thing.
MOST_EXPOSURE = 25.0
#: The error, in levels, of colours of which no part lies on the ring.
UNKNOWN_ERROR = 30.0
#: Colours that differ from the mean by so many levels count half.
OUTLYING = 8.0

Values = Float32[np.ndarray, " n"]
Colours = Float32[np.ndarray, "n c"]


@dataclass(frozen=True, eq=False)
class Fused:
    """For each wanted pixel: its colour in levels of 255, whether any frame shows it, and what its error follows from.

    `ring_error`: how far colours like it are off on the ring, in levels. `spread`: how far the two frames differ.
    `doubt`: pixels by which flow disagreed. `steps`: frames to the nearer source. `alone`: only one frame shows it.
    """

    colours: Colours
    found: Bool[np.ndarray, " n"]
    ring_error: Values
    spread: Values
    doubt: Values
    steps: Values
    alone: Bool[np.ndarray, " n"]


def fused(layer: Layer, both: Sequence[Sources], layer_of: Callable[[int], Layer | None]) -> Fused:
    """The colours of a layer's wanted pixels, from what its `both` sources point to. `layer_of` gives a frame's."""
    candidates = [_fetched(layer, sources, layer_of) for sources in both]
    colours = np.stack([each.colours for each in candidates])
    found = np.stack([each.found for each in candidates])
    errors = np.stack([each.ring_error for each in candidates])
    doubts = np.stack([sources.doubt for sources in both])
    steps = np.stack([np.abs(sources.frame - layer.number) for sources in both]).astype(np.float32)
    weights = np.where(found, 1 / (0.3 + doubts**2 + (errors / 4) ** 2 + steps / 40), 0)
    mean = _mean(colours, weights)
    for _ in range(2):
        agreeing = weights / (1 + (np.abs(colours - mean).mean(axis=-1) / OUTLYING) ** 2)
        mean = _mean(colours, agreeing)
    spread = np.sqrt(_mean(np.square(colours - mean).mean(axis=-1, keepdims=True), agreeing)[:, 0])
    return Fused(
        mean,
        np.any(found, axis=0),
        np.where(found, errors, np.inf).min(axis=0),
        spread,
        np.where(found, doubts, np.inf).min(axis=0),
        np.where(found, steps, np.inf).min(axis=0),
        np.sum(found, axis=0) < 2,
    )


def _mean(values: Float32[np.ndarray, "e n c"], weights: Float32[np.ndarray, "e n"]) -> Colours:
    total = np.maximum(weights.sum(axis=0), 1e-6)
    return (np.einsum("enc,en->nc", values, weights) / total[:, None]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Candidate:
    colours: Colours
    found: Bool[np.ndarray, " n"]
    ring_error: Values


def _fetched(layer: Layer, sources: Sources, layer_of: Callable[[int], Layer | None]) -> _Candidate:
    """Colours at the sources, in the layer's own exposure, with how far off they are on the ring."""
    channels = layer.picture.shape[2]
    colours = np.zeros((len(sources.frame), channels), np.float32)
    found = sources.found.copy()
    for number in np.unique(sources.frame[found]):
        which = sources.frame == number
        there = layer_of(int(number))
        if there is None:
            found[which] = False
        else:
            colours[which] = there.at(sources.place[which])
    on_ring = found & layer.on_ring
    if not on_ring.any():
        return _Candidate(colours, found, np.full(len(found), UNKNOWN_ERROR, np.float32))
    missing = np.zeros((len(found), channels), np.float32)
    missing[on_ring] = layer.own[on_ring] - colours[on_ring]
    exposure = _carried(layer, np.clip(missing, -MOST_EXPOSURE, MOST_EXPOSURE), on_ring, EXPOSURE)
    error = np.abs(missing - exposure).mean(axis=-1, keepdims=True)
    return _Candidate(colours + exposure, found, _carried(layer, error, on_ring, TRUST)[:, 0])


def _carried(layer: Layer, values: Colours, known: Bool[np.ndarray, " n"], smooth: float) -> Colours:
    """Values of the known ones of the wanted pixels, smoothed, and carried to all of them by a membrane."""
    cell = CELL // layer.size
    places = layer.places - layer.origin
    rows, columns = (places[:, ::-1] // cell).astype(np.intp).T
    top, left = rows.min(), columns.min()
    shape = (int(rows.max() - top) + 1, int(columns.max() - left) + 1)
    cells = (rows - top) * shape[1] + columns - left
    size = shape[0] * shape[1]
    count = np.bincount(cells[known], minlength=size)
    sums = [np.bincount(cells[known], values[known, channel], size) for channel in range(values.shape[1])]
    grid = np.stack([count, *sums], axis=-1).reshape(*shape, -1).astype(np.float32)
    blurred = cv2.GaussianBlur(grid, (0, 0), smooth, borderType=cv2.BORDER_CONSTANT)
    has = grid[..., 0] > 0
    means = blurred[..., 1:] / np.maximum(blurred[..., :1], 1e-6)
    means = stretched_over(np.where(has[..., None], means, 0), ~has)
    at = (places + 0.5) / cell - 0.5 - np.array([left, top], np.float32)
    return sampled(means, at).reshape(len(values), -1)
