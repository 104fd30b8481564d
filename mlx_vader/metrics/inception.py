"""The features of FID: Inception v3 of 2015. The weights are the user's own, imported once as `fid-inception`."""

from collections.abc import Callable

import cv2
import mlx.core as mx
import numpy as np
from jaxtyping import Float

from mlx_vader.losses.inception import features as inception_features
from mlx_vader.losses.perceptual import cached, load_weights

NAME = "fid-inception"

#: The side of the pictures that it takes, in pixels.
SIDE = 299


def find_inception() -> Callable[[np.ndarray], np.ndarray] | None:
    """The features, or `None` when the weights are not in the cache (`losses.perceptual.how_to_get(NAME)` says how).

    It takes frames (t, h, w, 3), RGB in [0, 1], of any size, which it resizes as pytorch-fid does (bilinear), and gives
    (t, 2048). Frame by frame, 0.4 s of one core each. Raises `VaderError` for a damaged file.
    """
    if not cached(NAME).is_file():
        return None
    _, weights = load_weights(cached(NAME))

    def features(frames: Float[np.ndarray, "t h w 3"]) -> Float[np.ndarray, "t d"]:
        resized = (cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for frame in frames)
        return np.concatenate(
            [np.array(inception_features(weights, mx.array(frame)[None])) for frame in resized]
        )

    return features
