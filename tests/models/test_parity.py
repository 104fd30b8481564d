"""Every network of the registry: MLX equals its PyTorch twin, forwards and backwards."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.nn import value_and_grad
from mlx.utils import tree_flatten

from convert.weights import twin
from mlx_vader.layout import load_torch_layout, to_torch_layout
from mlx_vader.models.registry import NETWORKS, build
from tests.models.variants import (
    INTERFACES,
    VARIANTS,
    as_mlx,
    as_torch,
    build_variant,
    example_inputs,
    from_torch,
)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(32, 40), (19, 35), (3, 8)], ids=str)
def test_network_equals_twin_over_two_clips(variant: str, size: tuple[int, int]) -> None:
    net = build_variant(variant)
    reference = twin(net)
    interface = net.interface
    state, twin_state = None, None
    for seed in range(2):
        inputs = example_inputs(interface, 3, *size, batch=2, seed=seed)
        ours, state = net.run(as_mlx(inputs), state)
        theirs, twin_state = reference.run(as_torch(inputs), twin_state)
    assert list(ours) == list(theirs) == [port.name for port in interface.outputs]
    for port in interface.outputs:
        assert ours[port.name].shape == (2, 3, *port.shape(*size))
        assert np.abs(np.array(ours[port.name]) - from_torch(theirs[port.name])).max() <= 1e-4
    assert state.keys() == twin_state.keys() == net.state_spec(*size).keys()
    for port in interface.state:
        assert twin_state[port.name].shape == (2, *port.planes(*size))
        expected = twin_state[port.name].numpy()
        expected = expected if port.fixed else np.moveaxis(expected, 1, -1)
        assert state[port.name].shape == (2, *port.shape(*size)) == expected.shape
        assert np.abs(np.array(state[port.name]) - expected).max() <= 1e-4


@pytest.mark.parametrize("variant", [name for name in VARIANTS if INTERFACES[name].restores])
def test_calling_a_network_is_running_it(variant: str) -> None:
    net = build_variant(variant)
    ports = net.interface.restoration()
    inputs = as_mlx(example_inputs(net.interface, 2, 16, 24))
    hint = inputs.get(ports.hint.name) if ports.hint else None
    restored, (outputs, state) = net(inputs[ports.frames.name], None, hint), net.run(inputs)
    assert mx.array_equal(restored.frames, outputs[ports.restored.name])
    assert (restored.mask is None) == (ports.mask is None)
    assert ports.mask is None or mx.array_equal(restored.mask, outputs[ports.mask.name])
    assert restored.state.keys() == state.keys()


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_equal_the_twins(variant: str) -> None:
    net = build_variant(variant)
    reference = twin(net).requires_grad_(True)
    inputs = example_inputs(net.interface, 3, 16, 16)
    outputs, _ = net.run(as_mlx(inputs))
    targets = {
        name: np.random.default_rng(1).random(value.shape, np.float32) for name, value in outputs.items()
    }

    def loss(inputs: dict[str, mx.array]) -> mx.array:
        outputs, _ = net.run(inputs)
        return sum(((value - mx.array(targets[name])) ** 2).mean() for name, value in outputs.items())

    _, gradients = value_and_grad(net, loss)(as_mlx(inputs))
    wanted = as_torch(targets)
    outputs, _ = reference.run(as_torch(inputs))
    sum(((value - wanted[name]) ** 2).mean() for name, value in outputs.items()).backward()
    holder = build_variant(variant)
    holder.update(gradients)
    ours = to_torch_layout(holder)
    for name, parameter in reference.named_parameters():
        theirs = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad.numpy()
        scale = max(np.abs(theirs).max(), 1e-3)
        assert np.abs(ours[name] - theirs).max() <= 1e-3 * scale, name


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_survive_the_round_trip_through_pytorch(variant: str) -> None:
    net, other = build_variant(variant), build_variant(variant, seed=1)
    load_torch_layout(other, {name: value.numpy() for name, value in twin(net).state_dict().items()})
    for (name, ours), (_, theirs) in zip(
        tree_flatten(net.parameters()), tree_flatten(other.parameters()), strict=True
    ):
        assert mx.array_equal(ours, theirs), name


@pytest.mark.parametrize("name", NETWORKS)
def test_every_preset_builds_and_its_twin_has_the_same_parameters(name: str) -> None:
    for preset in NETWORKS[name].presets:
        net = build(name, preset)
        ours = {key: value.shape for key, value in to_torch_layout(net).items()}
        assert ours == {key: tuple(value.shape) for key, value in twin(net).state_dict().items()}
