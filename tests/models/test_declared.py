"""What a network's class says of its own parameters is true of them."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_vader.layout import load_torch_layout, to_torch_layout
from mlx_vader.models.registry import NETWORKS
from mlx_vader.training import TrainConfig, recipe
from tests.models.variants import INTERFACES, as_mlx, build_variant, example_inputs


@pytest.mark.parametrize("name", NETWORKS)
def test_painting_heads_are_modules_beside_the_mask(name: str) -> None:
    net = build_variant(name)
    modules = {path.split(".")[0] for path, _ in net.named_modules()}
    assert set(net.painting_heads) <= modules
    assert bool(net.painting_heads) == (net.interface.output("mask") is not None)


@pytest.mark.parametrize("name", [name for name in NETWORKS if INTERFACES[name].output("mask")])
def test_the_bias_of_the_mask_moves_its_logits(name: str) -> None:
    net = build_variant(name)
    port = net.interface.output("mask")
    inputs = as_mlx(example_inputs(net.interface, 1, 16, 24))
    before = net.run(inputs)[0][port.name]
    weights = to_torch_layout(net)
    key, count = net.mask_bias
    weights[key] = weights[key].copy()
    weights[key][-count:] -= 0.3
    load_torch_layout(net, weights)
    after = net.run(inputs)[0][port.name]
    assert np.allclose(_logit(before) - _logit(after), 0.3, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in NETWORKS if NETWORKS[name].network.state_gains])
def test_state_gains_scale_the_state_before_its_activation(name: str) -> None:
    net = build_variant(name)
    inputs = as_mlx(example_inputs(net.interface, 1, 16, 24))
    weights = to_torch_layout(net)
    states = []
    for scale in (0.1, 0.05):
        scaled = {key: value * scale if key in net.state_gains else value for key, value in weights.items()}
        load_torch_layout(net, scaled)
        (state,) = net.run(inputs)[1].values()
        states.append(np.arctanh(np.array(state).astype(np.float64)))
    assert np.allclose(states[0], 2 * states[1], atol=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_its_recipe_is_one_that_training_takes(name: str) -> None:
    made = TrainConfig(net=name, **recipe(name))
    assert made.optimiser == NETWORKS[name].network.recipe.get("optimiser", TrainConfig().optimiser)


def _logit(mask: mx.array) -> np.ndarray:
    values = np.array(mask).astype(np.float64)
    return np.log(values / (1 - values))
