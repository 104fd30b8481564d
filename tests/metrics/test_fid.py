"""The Fréchet distance against SciPy's root of a matrix and against known Gaussians."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from mlx_vader.metrics import fid, frechet_distance, vfid


def _by_sqrtm(real: np.ndarray, generated: np.ndarray) -> float:
    """The formula as papers have it."""
    root = sqrtm(np.cov(real, rowvar=False) @ np.cov(generated, rowvar=False)).real
    apart = real.mean(0) - generated.mean(0)
    return apart @ apart + np.trace(np.cov(real, rowvar=False) + np.cov(generated, rowvar=False) - 2 * root)


@pytest.mark.parametrize(
    ("real", "generated"), [(400, 300), (60, 25), (30, 400)], ids=["many", "few", "both"]
)
def test_equals_sqrtm(real: int, generated: int) -> None:
    """Also with fewer features than they have numbers, where the covariances are singular."""
    rng = np.random.default_rng(0)
    a = rng.normal(0, 1, (real, 40)) @ rng.normal(0, 0.3, (40, 40))
    b = rng.normal(0.2, 1, (generated, 40)) @ rng.normal(0, 0.3, (40, 40))
    assert frechet_distance(a, b) == pytest.approx(_by_sqrtm(a, b), rel=1e-4)


def test_shifted_features_are_as_far_as_the_shift() -> None:
    features = np.random.default_rng(1).normal(0, 1, (50, 8))
    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features, features + 0.5) == pytest.approx(8 * 0.25)
    assert frechet_distance(features, 3 * features) == pytest.approx(
        (2 * features.mean(0)) @ (2 * features.mean(0)) + 4 * features.var(0, ddof=1).sum()
    )


def test_any_features_of_frames_and_of_clips_will_do() -> None:
    clean, restored = np.random.default_rng(2).random((2, 6, 8, 8, 3), np.float32)
    of_frames = [clip.mean(axis=(1, 2)) for clip in (clean, restored)]
    assert fid(restored, clean, lambda clip: clip.mean(axis=(1, 2))) == frechet_distance(*of_frames)
    clips = [np.split(clip, 3) for clip in (clean, restored)]
    of_clips = [np.stack([clip.mean(axis=(0, 1, 2)) for clip in cut]) for cut in clips]
    assert vfid(clips[1], clips[0], lambda clip: clip.mean(axis=(0, 1, 2))) == frechet_distance(*of_clips)


def test_one_feature_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))
