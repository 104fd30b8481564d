"""The bound of MLX's cache follows the GPU's memory, whatever the device calls it."""

import mlx.core as mx
import pytest

from mlx_vader.training.memory import CACHE_PART, keep_freed_memory

GIB = 2**30


@pytest.mark.parametrize("name", ["memory_size", "total_memory"], ids=["Metal", "CUDA"])
def test_cache_is_bounded_by_the_gpu(name, monkeypatch):
    bounds = []
    monkeypatch.setattr(mx, "device_info", lambda: {"device_name": "a GPU", name: 16 * GIB})
    monkeypatch.setattr(mx, "set_cache_limit", bounds.append)
    keep_freed_memory()
    assert bounds == [16 * GIB // CACHE_PART]


def test_a_cpu_has_no_bound(monkeypatch):
    bounds = []
    monkeypatch.setattr(mx, "device_info", lambda: {"device_name": "a CPU"})
    monkeypatch.setattr(mx, "set_cache_limit", bounds.append)
    keep_freed_memory()
    assert bounds == []
