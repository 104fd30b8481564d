"""Pictures, and a cache without weights."""

import numpy as np
import pytest


@pytest.fixture
def images():
    """Two pairs of pictures, of an odd size so that the pools have rests: (n, h, w, 3)."""
    rng = np.random.default_rng(0)
    return rng.random((2, 43, 38, 3), np.float32), rng.random((2, 43, 38, 3), np.float32)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VADER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
