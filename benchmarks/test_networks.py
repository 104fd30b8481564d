"""Whole networks, a frame at a time with their memory, in MLX and PyTorch with the same weights.

pytest -n 0 benchmarks/test_networks.py
"""

import pytest

from mlx_vader.backends import load_backend, restore
from mlx_vader.models.registry import NETWORKS, build, make_spec
from mlx_vader.video import read_clip


@pytest.mark.parametrize("backend", ["mlx", "torch"])
@pytest.mark.parametrize("name", [name for name in NETWORKS if make_spec(name).interface.restores])
def test_a_frame_at_256(benchmark, clip, name, backend):
    runner = load_backend(backend, build(name, "small"))
    frame = read_clip(clip((256, 256)).path, 0, 1)
    state = restore(runner, frame).state
    benchmark(lambda: restore(runner, frame, state))
