"""The Core ML backend around a real package's metadata; only the prediction is the twin's, in fp32."""

import json
from dataclasses import asdict

import mlx.core as mx
import numpy as np
import pytest
import torch
from PIL import Image

from convert.coreml import open_source, write_package
from convert.facts import PackageFacts
from convert.form import IO
from convert.running import fitting_size
from convert.shapes import Size, parse_shapes
from convert.weights import twin
from mlx_vader.backends import load_backend, restore
from mlx_vader.backends.coreml import CoreMLBackend
from mlx_vader.backends.torch import TorchBackend
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.levels import to_levels
from mlx_vader.models.registry import build, name_of
from tests.models.variants import OTHERS, SOME_NETWORKS, build_variant, example_inputs


class TwinAsPackage:
    """The conversion contract, computed by the twin in fp32: one frame a call, fp16 arrays or 8-bit images.

    With a state the memory stays inside; without, it comes as `NAME_in` and goes as `NAME_out`.
    """

    def __init__(self, network, images=False):
        self.twin, self.images = twin(network), images
        self.sizes = []

    def make_state(self):
        return TwinState()

    def predict(self, data, state=None):
        frame = data.pop("frames")
        if self.images:
            assert frame.mode == "RGB"
            frame = np.asarray(frame).transpose(2, 0, 1)[None] / 255
        frames = torch.from_numpy(np.asarray(frame)).float()
        self.sizes.append(Size(*frames.shape[2:]))
        memory = {name.removesuffix("_in"): torch.from_numpy(array).float() for name, array in data.items()}
        if state is not None:
            memory = {name: torch.from_numpy(array) for name, array in state.arrays.items()}
        declared = self.twin.state_spec(*frames.shape[2:])
        assert all(tuple(memory[name].shape[1:]) == declared[name] for name in memory)
        restored, mask, memory = self.twin(frames[:, None], memory or None)
        out = {"restored": restored[:, 0].half().numpy(), "mask": mask[:, 0].half().numpy()}
        if state is None:
            return out | {f"{name}_out": tensor.half().numpy() for name, tensor in memory.items()}
        state.arrays = {name: tensor.numpy() for name, tensor in memory.items()}
        return {name: as_image(array) for name, array in out.items()} if self.images else out


class TwinState:
    def __init__(self):
        self.arrays = {}

    def read_state(self, name):
        return self.arrays[name]

    def write_state(self, name, value):
        self.arrays[name] = np.asarray(value, np.float32)


def as_image(array):
    """As Core ML gives them: RGBA in 8 bits, half-float grayscale as PIL's F."""
    levels = array[0].astype(np.float32).transpose(1, 2, 0)
    if levels.shape[-1] == 1:
        return Image.fromarray(levels[..., 0])
    return Image.fromarray(np.rint(levels * 255).clip(0, 255).astype(np.uint8)).convert("RGBA")


def facts(network, shapes, **more):
    return PackageFacts.of(
        {
            "vader.network": name_of(network),
            "vader.spec": json.dumps(asdict(network.spec)),
            "vader.stride": str(network.stride),
            "vader.window": str(network.window),
            "vader.shapes": shapes,
            **more,
        }
    )


STATEFUL = {"vader.functions": json.dumps({"size_64x64": "64x64", "size_64x96": "64x96"})}


def backend(network, shapes="64x64", **more):
    opened = {}

    def open_model(name):
        opened[name] = TwinAsPackage(network, more.get("vader.io") == "image")
        return opened[name]

    made = CoreMLBackend(facts(network, shapes, **more), open_model, "test")
    made.opened = opened
    return made


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(1).random((4, 64, 64, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def network():
    mx.random.seed(3)
    return build("composite", "tiny")


FORMS = {
    "arrays": {},
    "images": {"vader.io": "image"},
    "states": STATEFUL,
    "images and states": STATEFUL | {"vader.io": "image"},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_package_of_any_form_restores_like_the_twin(form, network, frames):
    frames = np.rint(frames * 255) / np.float32(255)
    package = backend(network, "64x64,64x96", **FORMS[form])
    ours, reference = restore(package, frames), restore(TorchBackend(network), frames)
    tolerance = 5e-3 if "images" in form else 3e-3
    assert np.allclose(ours.frames, reference.frames, atol=tolerance)
    assert np.allclose(ours.mask, reference.mask, atol=tolerance)
    for name, array in TorchBackend(network).pack(reference.state).items():
        assert np.allclose(package.pack(ours.state)[name], array, atol=2e-2)


@pytest.mark.parametrize("form", FORMS)
def test_a_packed_state_goes_on_where_it_stopped(form, network, frames):
    whole, first, second = (backend(network, "64x64,64x96", **FORMS[form]) for _ in range(3))
    halfway = first.pack(restore(first, frames[:2]).state)
    resumed = restore(second, frames[2:], second.unpack(halfway))
    assert np.allclose(resumed.frames, restore(whole, frames).frames[2:], atol=5e-3)


def test_a_function_is_loaded_for_the_size_that_is_needed(network, frames):
    package = backend(network, "64x64,64x96", **STATEFUL)
    state = restore(package, frames[:, :50, :60]).state
    assert list(package.opened) == ["size_64x64"]
    wide = np.concatenate([frames, frames], axis=2)[:, :, :90]
    assert restore(package, wide, state).frames.shape == (4, 64, 90, 3)
    assert list(package.opened) == ["size_64x64", "size_64x96"]


def test_small_frames_are_padded_to_a_size_of_the_package(network, frames):
    package = backend(network, "64x64,64x96,128x128")
    assert restore(package, frames[:, :50, :60]).frames.shape == (4, 50, 60, 3)
    assert set(package.opened[None].sizes) == {Size(64, 64)}


@pytest.mark.parametrize(
    ("shapes", "frame", "fitting"),
    [
        ("256", (256, 256), (256, 256)),
        ("256,512,720p", (300, 200), (512, 512)),
        ("256,512,720p", (500, 800), (720, 1280)),
        ("range:256-1280", (300, 1000), (304, 1008)),
        ("range:256-1280", (100, 400), (256, 400)),
    ],
)
def test_the_smallest_size_that_holds_the_frame_is_taken(shapes, frame, fitting):
    assert fitting_size(parse_shapes(shapes), Size(*frame), 16) == fitting


@pytest.mark.parametrize("shapes", ["256,512", "range:256-512"])
def test_frames_too_large_for_the_package_are_refused(shapes):
    with pytest.raises(UsageError, match="1080x1920"):
        fitting_size(parse_shapes(shapes), Size(1080, 1920), 16)


def test_a_foreign_package_is_refused():
    with pytest.raises(VaderError, match="not made by vader-mlx"):
        PackageFacts.of({})


@pytest.mark.parametrize("io", IO)
@pytest.mark.parametrize("name", [*SOME_NETWORKS, *OTHERS])
def test_a_package_runs_in_the_backend(name, io, tmp_path):
    """The Core ML backend, where there is no Core ML the emulator, beside PyTorch's."""
    network = build_variant(name)
    write_package(open_source(network), tmp_path / "net.mlpackage", shapes="64x96", io=io)
    package, reference = load_backend("coreml", tmp_path / "net.mlpackage"), TorchBackend(network)
    assert package.interface == network.interface
    assert package.takes_levels == (io == "image")
    inputs = {key: clip[0] for key, clip in example_inputs(network.interface, 3, 64, 96).items()}
    inputs |= {
        port.name: to_levels(inputs[port.name]) for port in network.interface.inputs if port.kind == "frames"
    }
    ours, theirs = package.run(inputs).values, reference.run(inputs).values
    assert list(ours) == list(theirs)
    for port in network.interface.outputs:
        assert ours[port.name].shape == (3, *port.shape(64, 96))
        # An image holds what lies between 0 and 1.
        wanted = theirs[port.name].clip(0, 1) if (io, port.kind) == ("image", "frames") else theirs[port.name]
        assert np.allclose(ours[port.name], wanted, atol=2e-2)
    smaller = {key: clip[0] for key, clip in example_inputs(network.interface, 1, 58, 90).items()}
    for port in network.interface.outputs:
        assert package.run(smaller).values[port.name].shape == (1, *port.shape(58, 90))


def test_a_package_without_an_interface_has_that_of_its_network(network):
    found = facts(network, "64x64")
    assert found.interface == network.interface
    with pytest.raises(VaderError, match="does not know"):
        PackageFacts.of({"vader.network": "composite", "vader.spec": '{"depth": 3}', "vader.shapes": "64x64"})
