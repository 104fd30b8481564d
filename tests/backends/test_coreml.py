"""The Core ML backend around a real package's metadata; only the prediction is the twin's, in fp32."""

import json
from dataclasses import asdict

import mlx.core as mx
import numpy as np
import pytest
import torch

from convert.shapes import Size, parse_shapes
from convert.weights import twin
from mlx_vader.backends.coreml import CoreMLBackend, fitting_size
from mlx_vader.backends.torch import TorchBackend
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.models.registry import NETWORKS, build, name_of


class TwinAsPackage:
    """The conversion contract: `frames` and `NAME_in` to `restored`, `mask` and `NAME_out`, fp16, one frame a call."""

    def __init__(self, network, shapes):
        self.twin = twin(network)
        self.user_defined_metadata = {
            "vader.network": name_of(network),
            "vader.spec": json.dumps(asdict(network.spec)),
            "vader.stride": str(network.stride),
            "vader.window": str(network.window),
            "vader.shapes": shapes,
        }
        self.sizes = set()

    def predict(self, data):
        frames = torch.from_numpy(data.pop("frames")).float()
        self.sizes.add(tuple(frames.shape[2:]))
        state = {name.removesuffix("_in"): torch.from_numpy(array).float() for name, array in data.items()}
        assert all(tuple(state[n].shape[1:]) == s for n, s in self.twin.state_spec(*frames.shape[2:]).items())
        restored, mask, state = self.twin(frames[:, None], state)
        out = {"restored": restored[:, 0], **{f"{name}_out": tensor for name, tensor in state.items()}}
        if mask is not None:
            out["mask"] = mask[:, 0]
        return {name: tensor.half().numpy() for name, tensor in out.items()}


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(1).random((4, 64, 64, 3), dtype=np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_package_restores_like_the_twin(name, frames):
    mx.random.seed(3)
    network = build(name, "tiny")
    package = CoreMLBackend(TwinAsPackage(network, "64x64,128x128"), "test").restore(frames)
    reference = TorchBackend(network).restore(frames)
    assert np.allclose(package.frames, reference.frames, atol=3e-3)
    assert (package.mask is None) == (reference.mask is None)


def test_small_frames_are_padded_to_a_size_of_the_package(frames):
    model = TwinAsPackage(build("nafunet", "tiny"), "64x64,64x96,128x128")
    restored = CoreMLBackend(model, "test").restore(frames[:, :50, :60])
    assert restored.frames.shape == (4, 50, 60, 3)
    assert model.sizes == {(64, 64)}


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
    model = TwinAsPackage(build("nafunet", "tiny"), "64")
    model.user_defined_metadata = {}
    with pytest.raises(VaderError, match="not made by vader-mlx"):
        CoreMLBackend(model, "test")
