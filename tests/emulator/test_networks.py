"""Whole networks: others' and ours, against PyTorch."""

import numpy as np
import pytest
import torch

from convert import convert, twin
from convert.emulator import EmulatedModel
from tests.convert.comparing import given, reference
from tests.emulator.conversion import save
from tests.emulator.networks import NETWORKS, build
from tests.models.variants import OTHERS, SOME_NETWORKS, build_variant
from torch_ref.layers.rep import fuse


def compare(package, module, inputs, precision, tolerance):
    model = EmulatedModel(package, precision=precision)
    ours = model.predict({f"x{at}": x.numpy() for at, x in enumerate(inputs)})
    with torch.no_grad():
        theirs = module(*inputs)
    for at, wanted in enumerate(theirs if isinstance(theirs, tuple) else (theirs,)):
        np.testing.assert_allclose(ours[f"y{at}"], wanted.numpy(), rtol=tolerance, atol=tolerance)
    assert model.flags == []


@pytest.mark.parametrize("name", NETWORKS)
def test_network_in_single_precision(tmp_path, name):
    module, inputs = build(name)
    package = save(module, inputs, tmp_path / "net.mlpackage", half=False)
    compare(package, module, inputs, "fp32", 2e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_in_half_precision(tmp_path, name):
    module, inputs = build(name)
    package = save(module, inputs, tmp_path / "net.mlpackage")
    compare(package, module, inputs, "fp16", 1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["iOS15", "iOS16", "iOS17"])
@pytest.mark.parametrize("name", NETWORKS)
def test_network_for_older_systems(tmp_path, name, target):
    module, inputs = build(name)
    package = save(module, inputs, tmp_path / "net.mlpackage", half=False, target=target)
    compare(package, module, inputs, "fp32", 2e-5)


@pytest.mark.parametrize("name", [*SOME_NETWORKS, *OTHERS])
def test_our_networks_frame_by_frame(tmp_path, name):
    """In single precision what is left is the rounding of the weights."""
    net = build_variant(name)
    path = convert(net, tmp_path / "net.mlpackage", shapes="72x88").path
    rounded, size = fuse(twin(net)), (72, 88)
    with torch.no_grad():
        for parameter in rounded.parameters():
            parameter.copy_(parameter.half().float())
    for precision, tolerance in (("fp32", 2e-4), ("fp16", 1e-2)):
        model = EmulatedModel(path, precision=precision)
        state = {key: torch.zeros(1, *shape) for key, shape in rounded.state_spec(*size).items()}
        ours = {f"{key}_in": value.numpy() for key, value in state.items()}
        generator = torch.Generator().manual_seed(0)
        for _ in range(3):
            data = given(rounded, torch.rand(1, 3, *size, generator=generator))
            outputs = model.predict({name: value.numpy() for name, value in data.items()} | ours)
            with torch.no_grad():
                wanted, state = reference(rounded, data, state)
            ours = {f"{key}_in": outputs[f"{key}_out"] for key in state}
            for key, value in wanted.items():
                np.testing.assert_allclose(outputs[key], value, atol=tolerance)
            for key, value in state.items():
                np.testing.assert_allclose(ours[f"{key}_in"], value, atol=tolerance, rtol=tolerance)
