"""Every backend restores like the network it was given, and keeps its memory apart."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_vader import checkpoints
from mlx_vader.backends import BACKENDS, fastest, load_backend, restore, unavailable
from mlx_vader.errors import UsageError
from mlx_vader.models.registry import NETWORKS, build
from mlx_vader.streaming import ClipRecurrent, Recurrent

HERE = [name for name in BACKENDS if name != "coreml" and not unavailable(name)]


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request):
    mx.random.seed(3)
    return build(request.param, "tiny")


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(1).random((6, 36, 45, 3), dtype=np.float32)


@pytest.mark.parametrize("name", HERE)
def test_a_backend_restores_like_the_network(name, network, frames):
    restored = restore(load_backend(name, network), frames)
    expected = network(mx.array(frames)[None])
    assert restored.frames.shape == frames.shape
    assert restored.frames.dtype == np.float32
    assert np.allclose(restored.frames, np.array(expected.frames[0]), atol=1e-4)
    assert (restored.mask is None) == (expected.mask is None)
    if restored.mask is not None:
        assert np.allclose(restored.mask, np.array(expected.mask[0]), atol=1e-4)


@pytest.mark.parametrize("name", HERE)
def test_clip_recurrent_equals_frame_by_frame(name, network, frames):
    backend = load_backend(name, network)
    one = [result.frame for result in Recurrent().run(frames, backend)]
    clips = [result.frame for result in ClipRecurrent(4 * backend.interface.window, 1).run(frames, backend)]
    assert np.allclose(one, clips, atol=1e-5)


@pytest.mark.parametrize("name", HERE)
def test_a_packed_state_goes_on_bit_for_bit(name, network, frames):
    backend = load_backend(name, network)
    state = restore(backend, frames[:4]).state
    again = backend.unpack(backend.pack(state))
    one, other = restore(backend, frames[4:], state), restore(backend, frames[4:], again)
    assert np.array_equal(one.frames, other.frames)


@pytest.mark.parametrize("name", HERE)
def test_results_outlive_later_calls(name, network, frames):
    """The arrays may share memory with the device; the next call must not write to it."""
    backend = load_backend(name, network)
    first = restore(backend, frames[:2])
    copy = first.frames.copy()
    restore(backend, frames[2:4], first.state)
    assert np.array_equal(first.frames, copy)


def test_a_backend_loads_a_checkpoint(tmp_path, network, frames):
    path = checkpoints.save(tmp_path / "net.safetensors", network)
    for name in HERE:
        restored = restore(load_backend(name, path), frames)
        assert np.allclose(restored.frames, restore(load_backend(name, network), frames).frames, atol=1e-6)


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
