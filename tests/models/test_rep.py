"""The convolution that trains as three branches and runs as one."""

import mlx.core as mx
import numpy as np
import pytest
import torch
from mlx.utils import tree_flatten
from torch.nn import functional

from convert.weights import twin
from mlx_vader import fuse
from mlx_vader.layers.rep import RepConv3x3
from mlx_vader.models.registry import NETWORKS
from tests.models.variants import as_mlx, build_variant, example_inputs
from torch_ref.layers import rep


@pytest.mark.parametrize(("inputs", "outputs"), [(6, 6), (5, 7)])
def test_it_is_the_sum_of_its_branches(inputs: int, outputs: int) -> None:
    torch.manual_seed(0)
    conv = rep.RepConv3x3(inputs, outputs)
    for parameter in conv.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, inputs, 9, 11)
    expected = conv.bias[:, None, None] + torch.zeros(2, outputs, 9, 11)
    for weight, gain in ((conv.weight3, conv.gain3), (conv.weight1, conv.gain1)):
        branch = functional.conv2d(x, weight, padding=weight.shape[-1] // 2)
        expected = expected + gain[:, None, None] * branch
    if conv.gain0 is not None:
        expected = expected + conv.gain0[:, None, None] * x
    assert torch.allclose(conv(x), expected, atol=1e-5)


def test_every_branch_learns() -> None:
    conv = RepConv3x3(4, 4)
    x = mx.random.normal((1, 5, 6, 4), key=mx.random.key(0))

    def loss(parameters: dict[str, mx.array]) -> mx.array:
        conv.update(parameters)
        return mx.square(conv(x) - 1).mean()

    gradients = mx.grad(loss)(conv.parameters())
    assert {name for name, g in gradients.items() if mx.abs(g).max() > 1e-5} == set(conv.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fused_network_is_the_same_function(name: str) -> None:
    net = build_variant(name)
    before = {path: np.array(value) for path, value in tree_flatten(net.parameters())}
    fused = fuse(net)
    assert not any(isinstance(module, RepConv3x3) for module in fused.modules())
    inputs = as_mlx(example_inputs(net.interface, 2, 20, 24))
    for ours, theirs in zip(fused.run(inputs), net.run(inputs), strict=True):
        assert all(np.allclose(ours[key], value, atol=1e-5) for key, value in theirs.items())
    after = dict(tree_flatten(net.parameters()))
    assert before.keys() == after.keys(), "the network itself stays as it was"
    assert all(np.array_equal(before[path], after[path]) for path in before)


def test_a_fused_twin_is_the_same_function() -> None:
    net = twin(build_variant("realtime"))
    frames = torch.rand(1, 2, 3, 20, 24)
    expected = net(frames).frames
    assert not any(isinstance(module, rep.RepConv3x3) for module in rep.fuse(net).modules())
    assert torch.allclose(net(frames).frames, expected, atol=1e-5)
