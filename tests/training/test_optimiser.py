"""Muon for kernels, AdamW for the rest."""

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_vader.errors import UsageError
from mlx_vader.training.config import TrainConfig
from mlx_vader.training.muon import MuonOnCPU
from mlx_vader.training.optimiser import BESIDE_MUON, Optimiser
from mlx_vader.training.trainer import STATE
from tests.training.conftest import weights_of
from tests.training.noise import Noise


def test_muon_moves_kernels_by_orthogonal_steps(tiny):
    net = tiny("realtime")
    before = {name: np.array(value) for name, value in tree_flatten(net.parameters())}
    gradients = {
        "stem": {"weight3": mx.random.normal(net.stem.weight3.shape), "bias": mx.ones_like(net.stem.bias)}
    }
    optimiser = Optimiser("muon", net.parameters(), weight_decay=0.0)
    optimiser.set_rate(0.1)
    optimiser.update(net, gradients)
    moved = (np.array(net.stem.weight3) - before["stem.weight3"]).reshape(net.stem.weight3.shape[0], -1)
    singular = np.linalg.svd(moved / 0.1, compute_uv=False)
    assert 0.5 < singular.min() <= singular.max() < 1.5
    # AdamW's first step is its rate, whatever the gradient.
    np.testing.assert_allclose(net.stem.bias, before["stem.bias"] - 0.1 * BESIDE_MUON, rtol=1e-4)


@pytest.mark.parametrize("shape", [(24, 3, 3, 8), (8, 3, 3, 24), (16, 3, 3, 1), (32, 1, 1, 8)])
def test_muon_on_the_cpu_is_that_of_mlx(shape):
    start, gradients = mx.random.normal(shape), mx.random.normal((3, *shape))
    weights = []
    for muon in (MuonOnCPU(0.02, weight_decay=0.0), optim.Muon(0.02, weight_decay=0.0)):
        parameters = {"weight": start}
        for gradient in gradients:
            parameters = muon.apply_gradients({"weight": gradient}, parameters)
        weights.append(np.array(parameters["weight"]))
    np.testing.assert_allclose(*weights, atol=1e-5)
    assert abs(weights[0] - np.array(start)).max() > 1e-3


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_resumed_run_equals_an_uninterrupted_one(trainer, optimiser):
    trainer(6, "whole", optimiser=optimiser).run(Noise())
    first = trainer(6, "parts", optimiser=optimiser)
    first._stop = lambda: first.state.step == 3
    first.run(Noise())
    assert first.state.step == 3
    second = trainer(6, "parts", optimiser=optimiser)
    second.restore()
    second.run(Noise())
    whole = trainer(6, "whole", optimiser=optimiser)
    whole.restore()
    ours, theirs = weights_of(second), weights_of(whole)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)
    assert (second._folder / STATE).is_file()


def test_an_unknown_optimiser_is_refused():
    with pytest.raises(UsageError, match="no optimiser 'sgd'"):
        TrainConfig(optimiser="sgd")
