"""Every backend restores like the network it was given, and keeps its memory apart."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_vader import checkpoints
from mlx_vader.backends import BACKENDS, Backend, fastest, load_backend, restore, unavailable
from mlx_vader.errors import UsageError
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.models.registry import NETWORKS, build
from mlx_vader.streaming import ClipRecurrent, Recurrent
from tests.models.variants import RESTORING, build_variant, example_inputs

HERE = [name for name in BACKENDS if name != "coreml" and not unavailable(name)]


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request):
    mx.random.seed(3)
    return build(request.param, "tiny")


@pytest.fixture(scope="module")
def inputs(network):
    return {name: clip[0] for name, clip in example_inputs(network.interface, 6, 36, 45, seed=1).items()}


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(1).random((6, 36, 45, 3), dtype=np.float32)


def part(inputs, start, stop):
    return {name: clip[start:stop] for name, clip in inputs.items()}


@pytest.mark.parametrize("name", HERE)
def test_a_backend_computes_what_the_network_does(name, network, inputs):
    backend = load_backend(name, network)
    assert isinstance(backend, Backend)
    values, _ = backend.run(inputs)
    expected, _ = network.run({name: mx.array(clip)[None] for name, clip in inputs.items()})
    assert list(values) == [port.name for port in network.interface.outputs]
    for port in network.interface.outputs:
        assert values[port.name].shape == (6, *port.shape(36, 45))
        assert values[port.name].dtype == np.float32
        assert np.allclose(values[port.name], np.array(expected[port.name][0]), atol=1e-4)


@pytest.mark.parametrize("name", HERE)
def test_levels_are_fractions_of_255(name, network, inputs):
    levels = {
        port.name: to_levels(inputs[port.name]) for port in network.interface.inputs if port.kind == "frames"
    }
    backend = load_backend(name, network)
    values = backend.run(inputs | levels).values
    expected = backend.run(inputs | {name: to_unit(clip) for name, clip in levels.items()}).values
    assert all(np.allclose(values[name], expected[name], atol=1e-5) for name in expected)


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("restoring", RESTORING)
def test_restoration_finds_the_ports_by_their_kinds(name, restoring, frames):
    network = build_variant(restoring)
    backend, hint = load_backend(name, network), np.ones((*frames.shape[:3], 1), np.float32)
    blind, told = restore(backend, frames), restore(backend, frames, hint=hint)
    expected = network(mx.array(frames)[None])
    assert np.allclose(blind.frames, np.array(expected.frames[0]), atol=1e-4)
    assert (blind.mask is None) == (expected.mask is None)
    takes_hint = network.interface.input("hint") is not None
    assert np.array_equal(blind.frames, told.frames) != takes_hint


@pytest.mark.parametrize("name", HERE)
@pytest.mark.parametrize("restoring", RESTORING)
def test_clip_recurrent_equals_frame_by_frame(name, restoring, frames):
    backend = load_backend(name, build(restoring, "tiny"))
    one = [result.frame for result in Recurrent().run(frames, backend)]
    clips = [result.frame for result in ClipRecurrent(4 * backend.interface.window, 1).run(frames, backend)]
    assert np.allclose(one, clips, atol=1e-5)


@pytest.mark.parametrize("name", HERE)
def test_a_packed_state_goes_on_bit_for_bit(name, network, inputs):
    backend = load_backend(name, network)
    state = backend.run(part(inputs, 0, 4)).state
    again = backend.unpack(backend.pack(state))
    one, other = (backend.run(part(inputs, 4, 6), each).values for each in (state, again))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", HERE)
def test_results_outlive_later_calls(name, network, inputs):
    """The arrays may share memory with the device; the next call must not write to it."""
    backend = load_backend(name, network)
    values, state = backend.run(part(inputs, 0, 2))
    copies = {name: value.copy() for name, value in values.items()}
    backend.run(part(inputs, 2, 4), state)
    assert all(np.array_equal(values[name], copy) for name, copy in copies.items())


def test_a_backend_loads_a_checkpoint(tmp_path, network, inputs):
    path = checkpoints.save(tmp_path / "net.safetensors", network)
    for name in HERE:
        ours, theirs = (load_backend(name, source).run(inputs).values for source in (path, network))
        assert all(np.allclose(ours[name], theirs[name], atol=1e-6) for name in theirs)


def test_auto_is_a_backend_of_this_machine(network):
    assert load_backend("auto", network).name in HERE


def test_auto_takes_the_gpu_where_mlx_has_one(monkeypatch):
    import mlx_vader.backends.mlx as home

    monkeypatch.setattr(home, "has_gpu", lambda: True)
    assert fastest("default") == "mlx"
    monkeypatch.setattr(home, "has_gpu", lambda: False)
    assert fastest("default") == "torch"


def test_auto_runs_a_package_on_core_ml():
    assert fastest("net.mlpackage") == "coreml"


def test_an_unknown_backend_names_the_known_ones():
    with pytest.raises(UsageError) as error:
        load_backend("cuda-magic")
    assert all(name in error.value.hint for name in BACKENDS)


def test_a_package_is_not_a_checkpoint():
    with pytest.raises(UsageError, match="safetensors"):
        load_backend("torch", "net.mlpackage")
