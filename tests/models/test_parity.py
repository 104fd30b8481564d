"""Every network of the registry: MLX equals its PyTorch twin, forwards and backwards."""

import mlx.core as mx
import numpy as np
import pytest
import torch
from mlx.nn import value_and_grad
from mlx.utils import tree_flatten

from convert.weights import twin
from mlx_vader.layout import load_torch_layout, to_torch_layout
from mlx_vader.models.registry import NETWORKS, build
from tests.models.variants import VARIANTS, build_variant


def _clip(frames: int, height: int, width: int, batch: int = 1) -> np.ndarray:
    return np.random.default_rng(frames * height + width).random(
        (batch, frames, height, width, 3), np.float32
    )


def _to_torch(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(frames, -1, 2)))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(32, 40), (19, 35), (3, 8)], ids=str)
def test_network_equals_twin_over_two_clips(variant: str, size: tuple[int, int]) -> None:
    net = build_variant(variant)
    reference = twin(net)
    frames = _clip(3, *size, batch=2)
    ours, theirs = net(mx.array(frames), None), reference(_to_torch(frames), None)
    later = np.ascontiguousarray(frames[:, ::-1])
    ours, theirs = net(mx.array(later), ours.state), reference(_to_torch(later), theirs.state)
    assert np.abs(np.array(ours.frames) - np.moveaxis(theirs.frames.numpy(), 2, -1)).max() <= 1e-4
    assert (ours.mask is None) == (theirs.mask is None)
    if ours.mask is not None:
        assert np.abs(np.array(ours.mask) - np.moveaxis(theirs.mask.numpy(), 2, -1)).max() <= 1e-4
    assert ours.state.keys() == theirs.state.keys() == net.state_spec(*size).keys()
    for name, shape in net.state_spec(*size).items():
        expected = theirs.state[name].numpy()
        if len(shape) == 3:
            expected = np.moveaxis(expected, 1, -1)
        assert ours.state[name].shape == (2, *shape) == expected.shape
        assert np.abs(np.array(ours.state[name]) - expected).max() <= 1e-4


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_equal_the_twins(variant: str) -> None:
    net = build_variant(variant)
    reference = twin(net).requires_grad_(True)
    frames = _clip(3, 16, 16)
    target = _clip(3, 16, 17)[:, :, :, :16]

    def loss(frames: mx.array) -> mx.array:
        restored = net(frames, None)
        distance = ((restored.frames - mx.array(target)) ** 2).mean()
        return distance if restored.mask is None else distance + restored.mask.mean()

    _, gradients = value_and_grad(net, loss)(mx.array(frames))
    restored = reference(_to_torch(frames), None)
    total = ((restored.frames - _to_torch(target)) ** 2).mean()
    (total if restored.mask is None else total + restored.mask.mean()).backward()
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
