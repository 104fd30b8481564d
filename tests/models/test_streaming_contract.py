"""What networks promise about time: a video cut at multiples of the window is restored as the uncut one."""

import itertools

import mlx.core as mx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_vader.errors import UsageError
from mlx_vader.models.base import Network
from tests.models.variants import INTERFACES, VARIANTS, as_mlx, build_variant, example_inputs


def _inputs(net: Network, seed: int = 5) -> dict[str, mx.array]:
    return as_mlx(example_inputs(net.interface, 8, 16, 16, seed=seed))


def _close(ours: dict[str, mx.array], theirs: dict[str, mx.array]) -> bool:
    assert ours.keys() == theirs.keys()
    return all(mx.abs(ours[name] - theirs[name]).max().item() <= 1e-5 for name in ours)


@pytest.mark.parametrize("variant", VARIANTS)
def test_window_by_window_equals_clip_by_clip(variant: str) -> None:
    net = build_variant(variant)
    inputs = _inputs(net)

    @settings(max_examples=5, deadline=None)
    @given(st.lists(st.integers(1, 8), max_size=3))
    def check(cuts: list[int]) -> None:
        edges = sorted({0, 8, *(min(cut * net.window, 8) for cut in cuts)})
        state, parts = None, []
        for start, stop in itertools.pairwise(edges):
            outputs, state = net.run({name: value[:, start:stop] for name, value in inputs.items()}, state)
            parts.append(outputs)
        whole, last = net.run(inputs)
        joined = {name: mx.concatenate([part[name] for part in parts], axis=1) for name in whole}
        assert _close(joined, whole)
        assert _close(state, last)

    check()


@pytest.mark.parametrize("variant", VARIANTS)
def test_zeros_are_the_state_at_the_start(variant: str) -> None:
    net = build_variant(variant)
    zeros = {name: mx.zeros((1, *shape)) for name, shape in net.state_spec(16, 16).items()}
    ours, theirs = net.run(_inputs(net), zeros)[0], net.run(_inputs(net))[0]
    assert all(mx.array_equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if INTERFACES[name].state])
def test_memory_matters(variant: str) -> None:
    net = build_variant(variant)
    _, state = net.run(_inputs(net, seed=6))
    name = net.interface.outputs[0].name
    with_memory, without = net.run(_inputs(net), state)[0], net.run(_inputs(net))[0]
    assert mx.abs(with_memory[name] - without[name]).max().item() > 1e-6


@pytest.mark.parametrize("variant", [name for name in VARIANTS if INTERFACES[name].input("hint") is None])
def test_a_hint_is_refused_by_a_network_that_takes_none(variant: str) -> None:
    frames = mx.zeros((1, 1, 16, 16, 3))
    with pytest.raises(UsageError, match="no hint" if INTERFACES[variant].restores else "does not restore"):
        build_variant(variant)(frames, hint=mx.zeros((1, 1, 16, 16, 1)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_input_that_is_missing_or_unknown_is_named(variant: str) -> None:
    net = build_variant(variant)
    first, *_ = net.interface.inputs
    inputs = _inputs(net)
    with pytest.raises(UsageError, match=f"'{first.name}' is missing"):
        net.run({name: value for name, value in inputs.items() if name != first.name})
    with pytest.raises(UsageError, match="'more' is unknown"):
        net.run(inputs | {"more": inputs[first.name]})
