"""LPIPS (Zhang et al., CVPR 2018): the distance of two pictures as people see it.

    d = Σ_l 1/(H_l W_l) Σ_hw Σ_c w_lc (ŷ_lc − ŷ'_lc)²

ŷ_l: the features behind layer l of a classifier, of unit length at each place; w_l: learned and not negative. (Where w
stands within the square, as ‖w ⊙ (ŷ − ŷ')‖², it is the root of the published one.) The weights are the user's own.
"""

from collections.abc import Callable, Sequence

import mlx.core as mx
import numpy as np
from jaxtyping import Float

from mlx_vader.losses.backbones import BACKBONES
from mlx_vader.losses.lpips import LPIPS
from mlx_vader.losses.perceptual import cached, load_perceptual

NAME = "lpips-alex"

#: Features of a frame at each layer, (h, w, c) of its own size, and the weights of their channels.
Layers = Sequence[Float[np.ndarray, "_ _ _"]]
Heads = Sequence[Float[np.ndarray, " _"]]


def lpips_of_features(ours: Layers, theirs: Layers, heads: Heads) -> float:
    """Distance of the features of two pictures, of any network, before they have unit length."""
    distances = (
        (np.square(_unit(a) - _unit(b)) * head).sum(axis=-1).mean()
        for a, b, head in zip(ours, theirs, heads, strict=True)
    )
    return float(sum(distances))


def find_lpips() -> Callable[[np.ndarray, np.ndarray], float] | None:
    """LPIPS with AlexNet, or `None` when its weights are not in the cache.

    `losses.perceptual.how_to_get(NAME)` says where they come from. It takes a clip and the clean one, (t, h, w, 3), RGB
    in [0, 1], and gives the mean distance over the frames. Raises `VaderError` for a damaged file.
    """
    if not cached(NAME).is_file():
        return None
    network = load_perceptual(cached(NAME))
    assert isinstance(network, LPIPS)
    heads = [
        np.array(network.weights[f"lin.{level}"]) for level in range(len(BACKBONES[network.network].taps))
    ]

    def features(frame: Float[np.ndarray, "h w 3"]) -> Layers:
        return [np.array(layer[0]) for layer in network.features(mx.array(frame)[None])]

    def lpips(clip: Float[np.ndarray, "t h w 3"], clean: Float[np.ndarray, "t h w 3"]) -> float:
        pairs = zip(clip, clean, strict=True)
        return float(np.mean([lpips_of_features(features(a), features(b), heads) for a, b in pairs]))

    return lpips


def _unit(features: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w c"]:
    features = np.asarray(features, np.float64)
    return features / (np.linalg.norm(features, axis=-1, keepdims=True) + 1e-10)
