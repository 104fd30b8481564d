"""Fréchet distance of features: FID of pictures (Heusel et al., NeurIPS 2017), VFID of clips (Wang et al., 2018).

    d² = ‖μ − μ'‖² + Tr(Σ + Σ' − 2 (Σ Σ')^½)

μ and Σ are the mean and the covariance of the features of real pictures, and of generated ones. Which features is up
to the caller: published figures of FID are with those of `metrics.inception`, of VFID with I3D's.
"""

from collections.abc import Callable, Iterable

import numpy as np
from jaxtyping import Float


def frechet_distance(real: Float[np.ndarray, "n d"], generated: Float[np.ndarray, "m d"]) -> float:
    """d² of two sets of at least two features each, exact in float64 and for any number of them.

    With Σ = AᵀA and Σ' = BᵀB the trace of (Σ Σ')^½ is the sum of the singular values of ABᵀ. Few features tell little:
    the distance of two samples of the same pictures falls towards 0 with their number.
    """
    if min(len(real), len(generated)) < 2:
        raise ValueError("a covariance needs at least two features")
    real, generated = np.asarray(real, np.float64), np.asarray(generated, np.float64)
    a, b = _root(real), _root(generated)
    trace = np.square(a).sum() + np.square(b).sum() - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(np.square(real.mean(0) - generated.mean(0)).sum() + trace)


def fid(
    restored: Float[np.ndarray, "t h w 3"],
    clean: Float[np.ndarray, "t h w 3"],
    features: Callable[[Float[np.ndarray, "t h w 3"]], Float[np.ndarray, "t d"]],
) -> float:
    """d² of the features of pictures: frames, or crops around what was filled."""
    return frechet_distance(features(clean), features(restored))


def vfid(
    restored: Iterable[Float[np.ndarray, "t h w 3"]],
    clean: Iterable[Float[np.ndarray, "t h w 3"]],
    features: Callable[[Float[np.ndarray, "t h w 3"]], Float[np.ndarray, " d"]],
) -> float:
    """d² of the features of clips, one feature a clip."""
    return frechet_distance(
        np.stack([features(clip) for clip in clean]), np.stack([features(clip) for clip in restored])
    )


def _root(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "k d"]:
    """A with AᵀA the covariance, of no more rows than columns."""
    centred = (features - features.mean(0)) / np.sqrt(len(features) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r")) if len(features) > features.shape[1] else centred
