"""What networks promise about time: a video cut at multiples of the window is restored as the uncut one."""

import itertools

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_vader.errors import UsageError
from mlx_vader.models.registry import build
from tests.models.variants import VARIANTS, build_variant

FRAMES = mx.array(np.random.default_rng(5).random((1, 8, 16, 16, 3), np.float32))


@pytest.mark.parametrize("variant", VARIANTS)
def test_window_by_window_equals_clip_by_clip(variant: str) -> None:
    net = build_variant(variant)

    @settings(max_examples=5, deadline=None)
    @given(st.lists(st.integers(1, 8), max_size=3))
    def check(cuts: list[int]) -> None:
        edges = sorted({0, 8, *(min(cut * net.window, 8) for cut in cuts)})
        state, parts = None, []
        for start, stop in itertools.pairwise(edges):
            restored, _, state = net(FRAMES[:, start:stop], state)
            parts.append(restored)
        whole = net(FRAMES, None)
        assert mx.abs(mx.concatenate(parts, axis=1) - whole.frames).max().item() <= 1e-5
        assert all(mx.abs(state[name] - whole.state[name]).max().item() <= 1e-5 for name in whole.state)

    check()


@pytest.mark.parametrize("variant", VARIANTS)
def test_zeros_are_the_state_at_the_start(variant: str) -> None:
    net = build_variant(variant)
    zeros = {name: mx.zeros((1, *shape)) for name, shape in net.state_spec(16, 16).items()}
    assert mx.array_equal(net(FRAMES, zeros).frames, net(FRAMES, None).frames)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if build_variant(name).state_spec(16, 16)])
def test_memory_matters(variant: str) -> None:
    net = build_variant(variant)
    _, _, state = net(1 - FRAMES, None)
    assert mx.abs(net(FRAMES, state).frames - net(FRAMES, None).frames).max().item() > 1e-6


def test_a_hint_is_refused_by_a_network_that_takes_none() -> None:
    with pytest.raises(UsageError, match="no hint"):
        build("composite", "tiny")(FRAMES, hint=mx.zeros_like(FRAMES[..., :1]))
