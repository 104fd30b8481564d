"""LPIPS of given features against PyTorch, and with the weights of the cache. The network: see tests/losses."""

import mlx.core as mx
import numpy as np
import pytest
import torch

from convert.perceptual import import_perceptual
from mlx_vader.losses.perceptual import find_perceptual
from mlx_vader.metrics.lpips import NAME, find_lpips, lpips_of_features
from tests.losses.test_perceptual import published

SHAPES = ((15, 11, 8), (7, 5, 16), (3, 2, 32))


def test_the_distance_of_any_features_equals_torch() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = ([rng.normal(size=shape) for shape in SHAPES] for _ in range(2))
    heads = [rng.random(shape[-1]) for shape in SHAPES]
    expected = 0
    for a, b, head in zip(ours, theirs, heads, strict=True):
        x, y = (torch.nn.functional.normalize(torch.from_numpy(z), dim=-1) for z in (a, b))
        expected += ((x - y) ** 2 @ torch.from_numpy(head)).mean().item()
    assert lpips_of_features(ours, theirs, heads) == pytest.approx(expected, abs=1e-6)
    assert lpips_of_features(ours, ours, heads) == 0


def test_with_weights_in_the_cache_it_equals_the_loss(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VADER_CACHE", str(tmp_path))
    assert find_lpips() is None
    published(tmp_path, "alex")
    import_perceptual(NAME, tmp_path / "backbone.pth", heads=tmp_path / "heads.pth")
    loss, _ = find_perceptual(NAME)
    clip, clean = np.random.default_rng(1).random((2, 2, 64, 72, 3), np.float32)
    assert find_lpips()(clip, clean) == pytest.approx(loss(mx.array(clip), mx.array(clean)).item(), abs=1e-5)
