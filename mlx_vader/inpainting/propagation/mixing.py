"""Fetched colours and a fill, each as far as its error is expected to be the smaller.

The expected squared errors are log-linear in what is known of each pixel. Their coefficients were fitted to patches on
real footage whose truth was known; how a fill does just here is seen beside the hole.
"""

import cv2
import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import Pixels
from mlx_vader.inpainting.propagation.fusing import Fused
from mlx_vader.inpainting.propagation.layer import LEVEL, Layer
from mlx_vader.inpainting.propagation.sham import error_ratio
from mlx_vader.membrane import stretched_over

#: Of a fetched colour: constant, error on the ring, doubt, spread, steps, one source only, texture around.
FETCHED = np.array([-2.25, 0.74, 0.35, 0.84, 0.88, 1.36, 0.18], np.float32)
#: Of a fill: constant, depth in the hole, texture around.
FILLED = np.array([-1.1, 1.1, 0.9], np.float32)
#: Log of squared levels between which errors are believed.
BELIEVED = (-3.0, 11.0)
#: Fetched pixels that count for more anchor what lies between them.
ANCHORS = 0.7
#: Texture: what differs from the mean of so many pixels, averaged in cells of `CELL` pixels over so many of them
#: (standard deviation of a Gaussian).
MEAN_SIZE, CELL, TEXTURE = 17, 4, 3.0


def mixed(
    layer: Layer, fetched: Fused, fill: Float32[np.ndarray, "h w c"]
) -> tuple[Float32[np.ndarray, "h w c"], Float32[np.ndarray, "h w"]]:
    """The layer with its hole filled, in levels of 255, and how much fetched colours count in it.

    `fill`: the layer with its hole filled from within the frame.
    """
    own = layer.levels
    hole = layer.hole
    weight = np.zeros(hole.shape, np.float32)
    weight[layer.wanted] = _share(layer, fetched)
    weight *= hole
    colours = np.zeros_like(own)
    colours[layer.wanted] = fetched.colours
    anchors = weight > ANCHORS
    if anchors.any():
        anchored = stretched_over(np.where(anchors[..., None], colours, own), hole & ~anchors)
        fill = (fill + anchored) / 2
    made = fill + weight[..., None] * (colours - fill)
    return np.where(hole[..., None], made, own), weight


def _share(layer: Layer, fetched: Fused) -> Float32[np.ndarray, " n"]:
    """How much each wanted pixel's fetched colour counts, from 0 to 1."""
    found = fetched.found
    texture = _texture(layer, layer.hole)
    features = [
        np.ones(len(found), np.float32),
        np.log(np.where(found, fetched.ring_error, 0) ** 2 + 4),
        np.log(np.where(found, fetched.doubt, 0) ** 2 + 0.1),
        np.log(fetched.spread**2 + 4),
        np.log(np.where(found, fetched.steps, 0) + 1),
        fetched.alone.astype(np.float32),
        np.log(texture[layer.wanted] + 4),
    ]
    of_fetched = np.exp(np.clip(FETCHED @ np.stack(features), *BELIEVED))
    of_fill = _filled_error(layer, layer.hole, texture)[layer.wanted]
    if layer.size == 1:
        of_fill = of_fill * error_ratio(layer, lambda hole: _filled_error(layer, hole, _texture(layer, hole)))
    return np.where(found, of_fill / (of_fetched + of_fill), 0).astype(np.float32)


def _filled_error(
    layer: Layer, hole: Pixels, texture: Float32[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    """The squared error that a fill is expected to make in a hole with such texture around."""
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)
    depth = np.minimum(depth, sum(hole.shape)) * layer.size
    constant, by_depth, by_texture = FILLED
    logs = constant + by_depth * np.log(depth + 1) + by_texture * np.log(texture + 4)
    return np.exp(np.clip(logs, *BELIEVED))


def _texture(layer: Layer, hole: Pixels) -> Float32[np.ndarray, "h w"]:
    """The variance of luma around each pixel, in squared levels; a membrane carries it into the hole."""
    luma = layer.picture.mean(axis=-1, dtype=np.float32) / np.float32(LEVEL)
    known = (~hole).astype(np.float32)
    mean = _around(luma * known, MEAN_SIZE) / np.maximum(_around(known, MEAN_SIZE), 1e-5)
    deviation = np.square(luma - mean) * known
    height, width = hole.shape
    cells = (max(width // CELL, 1), max(height // CELL, 1))
    both = cv2.resize(np.dstack([deviation, known]), cells, interpolation=cv2.INTER_AREA)
    both = cv2.GaussianBlur(both, (0, 0), TEXTURE, borderType=cv2.BORDER_CONSTANT)
    share = cv2.resize(known, cells, interpolation=cv2.INTER_AREA)
    texture = stretched_over(both[..., 0] / np.maximum(both[..., 1], 1e-5), share == 0)
    return cv2.resize(texture, (width, height), interpolation=cv2.INTER_LINEAR)


def _around(values: Float32[np.ndarray, "h w"], size: int) -> Float32[np.ndarray, "h w"]:
    return cv2.blur(values, (size, size), borderType=cv2.BORDER_CONSTANT)
