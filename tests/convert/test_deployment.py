"""The forms of package for apps: functions with states, images, weights of fewer bits."""

import dataclasses
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from convert import ConversionReport, compression, convert, twin
from convert.coreml import TwinSource, open_source, write_package
from convert.emulator import EmulatedModel
from convert.form import Form
from convert.package import read_spec, single_precision
from convert.program import read_program
from convert.shapes import parse_shapes
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.interface import StatePort
from mlx_vader.models.base import restoration
from mlx_vader.models.registry import build
from tests.convert.comparing import given, psnr, real_frames, reference
from tests.models.variants import INTERFACES, SOME_NETWORKS, build_variant
from torch_ref.models.base import Network, Restored

SIZES = {"size_128x128": (128, 128), "size_64x128": (64, 128)}
FORMS = {
    "stateful": {"stateful": True, "shapes": "64x128,128"},
    "stateful-128": {"stateful": True, "shapes": "128"},
    "image": {"io": "image", "shapes": "64x128"},
    "image-enumerated": {"io": "image", "shapes": "64x128,128"},
    "image-range": {"io": "image", "shapes": "range:64-1280"},
    "image-stateful": {"io": "image", "stateful": True, "shapes": "64x128"},
    **{compress: {"compress": compress, "shapes": "64x128"} for compress in ("palettize4", "int8")},
    **{compress: {"compress": compress, "shapes": "64x128"} for compress in ("palettize6", "palettize8")},
    "w8a8": {"compress": "w8a8", "shapes": "64x128"},
    "w8a8-stateful-image": {"compress": "w8a8", "shapes": "64x128", "stateful": True, "io": "image"},
    "stateful-palettize4": {"stateful": True, "shapes": "64x128,128", "compress": "palettize4"},
    "stateful-128-palettize4": {"stateful": True, "shapes": "128", "compress": "palettize4"},
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """`package(variant, form)`: the report of a package, made once."""
    folder = tmp_path_factory.mktemp("packages")

    @cache
    def make(variant: str, form: str) -> ConversionReport:
        # Not verified: random weights of few bits restore worse than a package may.
        source = open_source(build_variant(variant))
        return write_package(source, folder / f"{variant}-{form}.mlpackage", **FORMS[form])

    return make


def predicted(model: EmulatedModel, data: dict[str, torch.Tensor], state=None) -> dict[str, torch.Tensor]:
    """Arrays in and out."""
    outputs = model.predict({name: value.numpy() for name, value in data.items()}, state)
    return {name: torch.from_numpy(np.array(value, np.float32)) for name, value in outputs.items()}


def weight_bytes(package: Path) -> int:
    return (package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin").stat().st_size


@pytest.mark.parametrize("function", SIZES)
@pytest.mark.parametrize("name", SOME_NETWORKS)
def test_a_stream_through_states_equals_the_twin(package, carphone, name, function):
    """16 frames, given to the package one by one and nothing else."""
    net = twin(build_variant(name))
    model = EmulatedModel(package(name, "stateful").path, function)
    frames = real_frames(carphone, SIZES[function], 16)
    state = {key: torch.zeros(1, *shape) for key, shape in net.state_spec(*SIZES[function]).items()}
    ours = model.make_state() if state else None
    for frame in frames.unsqueeze(1):
        data = given(net, frame)
        outputs = predicted(model, data, ours)
        wanted, state = reference(net, data, state)
        assert all(psnr(outputs[key], value) >= 50 for key, value in wanted.items())
        assert all(psnr(torch.from_numpy(ours.read_state(key)), state[key]) >= 50 for key in state)


@pytest.mark.parametrize("name", SOME_NETWORKS)
def test_a_stateful_package_has_a_function_for_each_size(package, name):
    report, net = package(name, "stateful"), build_variant(name)
    description = read_spec(report.path).description
    assert description.defaultFunctionName == "size_128x128"
    assert [function.name for function in description.functions] == list(SIZES)
    assert json.loads(description.metadata.userDefined["vader.functions"]) == report.functions
    assert report.functions == {"size_128x128": "128x128", "size_64x128": "64x128"}
    for function in description.functions:
        size = SIZES[function.name]
        states = {state.name: tuple(state.type.stateType.arrayType.shape) for state in function.state}
        assert states == {key: (1, *twin(net).state_spec(*size)[key]) for key in net.state_spec(*size)}
        assert [entry.name for entry in function.input] == [port.name for port in net.interface.inputs]
        assert tuple(function.input[0].type.multiArrayType.shape) == (1, 3, *size)
        assert f"{size[0]}x{size[1]}" in function.input[0].shortDescription
        assert all(entry.shortDescription for entry in (*function.input, *function.output, *function.state))


def test_a_stateful_package_says_what_it_is(package):
    report = package("nafunet", "stateful")
    metadata = read_spec(report.path).description.metadata
    facts = dict(metadata.userDefined)
    assert metadata.license == "MIT"
    assert metadata.author
    assert "size_128x128" in metadata.shortDescription
    assert facts["vader.network"] == "nafunet"
    assert facts["vader.io"] == report.io == "tensor"
    assert facts["vader.compress"] == report.compress == "none"
    assert json.loads(facts["vader.states"]) == list(report.states) == ["memory", "memory_valid"]
    assert report.inputs == ("frames",)
    assert report.outputs == ("restored", "mask")
    assert report.fp32_ops == ()


@pytest.mark.parametrize("form", ["stateful", pytest.param("stateful-palettize4", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SOME_NETWORKS)
def test_functions_share_their_weights(package, name, form):
    together = package(name, form)
    alone = package(name, form.replace("stateful", "stateful-128"))
    assert weight_bytes(together.path) <= 1.01 * weight_bytes(alone.path)


def test_a_state_may_be_what_another_was(tmp_path):
    """Two frames back is one frame back of the frame before, whatever order they are written in."""

    class TwoFramesBack(Network):
        interface = restoration(
            stride=8, mask=False, state=(StatePort("last", channels=3), StatePort("before", channels=3))
        )

        def restore(self, frames, state):
            restored = frames + state["before"].unsqueeze(1)
            return Restored(restored, None, {"last": frames[:, 0], "before": state["last"]})

    report = write_package(
        TwinSource("back", TwoFramesBack(), {}), tmp_path / "net.mlpackage", shapes="64", stateful=True
    )
    assert "slice_update" not in report.ops
    model = EmulatedModel(report.path)
    frames = torch.rand(4, 1, 3, 64, 64).half().float()
    state = model.make_state()
    restored = [predicted(model, {"frames": frame}, state)["restored"] for frame in frames]
    assert torch.equal(restored[1], frames[1])
    assert psnr(restored[3], frames[3] + frames[1]) > 60


IMAGES = [
    form if form == "image" else pytest.param(form, marks=pytest.mark.slow)
    for form in FORMS
    if form.startswith("image")
]


@pytest.mark.parametrize("form", IMAGES)
@pytest.mark.parametrize("name", SOME_NETWORKS)
def test_frames_are_images(package, name, form):
    net = build_variant(name)
    spec = read_spec(package(name, form).path)
    interface = next(iter(spec.description.functions), spec.description)
    colours = {entry.name: entry.type.imageType for entry in (*interface.input, *interface.output)}
    wanted = {port.name: port.kind for port in (*net.interface.inputs, *net.interface.outputs)}
    for key, kind in wanted.items():
        image = colours[key]
        if kind == "frames":
            assert image.colorSpace == image.RGB
        elif kind == "mask":
            assert image.colorSpace == image.GRAYSCALE_FLOAT16
    assert spec.description.metadata.userDefined["vader.io"] == "image"


@pytest.mark.parametrize("form", IMAGES)
@pytest.mark.parametrize("name", SOME_NETWORKS)
def test_images_are_cast_at_the_edges_and_nothing_else_is_single_precision(package, name, form):
    spec = read_spec(package(name, form).path)
    ports = build_variant(name).interface
    frames = [port.name for port in ports.outputs if port.kind == "frames"]
    assert single_precision(spec) == tuple(f"cast {key}" for key in frames)
    first = [
        step
        for function in read_program(package(name, form).path).functions.values()
        for step in function.block.walk()
    ]
    readers = {
        step.type
        for step in first
        for port in ports.inputs
        if port.kind == "frames" and (port.name,) in step.inputs.values()
    }
    assert {"cast"} <= readers <= {"cast", "shape"}


@pytest.mark.parametrize("form", IMAGES)
@pytest.mark.parametrize("name", SOME_NETWORKS)
def test_images_are_restored_as_arrays_are(package, carphone, name, form):
    net, model = twin(build_variant(name)), EmulatedModel(package(name, form).path)
    size = (128, 128) if form == "image-enumerated" else (64, 128)
    (frame,) = real_frames(carphone, size, 1).unsqueeze(1)
    image = Image.fromarray(frame[0].permute(1, 2, 0).mul(255).round().to(torch.uint8).numpy())
    state = {key: torch.zeros(1, *shape) for key, shape in net.state_spec(*size).items()}
    arrays = given(net, _levels(image) / 255)
    images = {port.name: image for port in net.interface.inputs if port.kind == "frames"}
    data = {key: value.numpy() for key, value in arrays.items()} | images
    keeps = "stateful" in form
    data |= {f"{key}_in": value.numpy() for key, value in state.items() if not keeps}
    outputs = model.predict(data, model.make_state() if state and keeps else None)
    wanted, _ = reference(net, arrays, state)
    for port in net.interface.outputs:
        ours = outputs[port.name]
        if port.kind == "frames":
            assert psnr(_levels(ours) / 255, wanted[port.name].clamp(0, 1)) >= 50
        else:
            assert (
                psnr(torch.from_numpy(np.array(ours)).reshape(wanted[port.name].shape), wanted[port.name])
                >= 50
            )


def _levels(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image.convert("RGB"), np.float32)).permute(2, 0, 1)[None]


@pytest.mark.parametrize(
    ("compress", "bits"),
    [
        ("palettize4", 4),
        ("int8", 8),
        pytest.param("palettize6", 6, marks=pytest.mark.slow),
        pytest.param("palettize8", 8, marks=pytest.mark.slow),
    ],
)
def test_weights_of_fewer_bits_make_a_smaller_package(package, compress, bits):
    report = package("nafunet-lite", compress)
    assert (
        read_spec(report.path).description.metadata.userDefined["vader.compress"]
        == report.compress
        == compress
    )
    assert report.fp32_ops == ()
    weights = twin(build_variant("nafunet-lite")).state_dict().values()
    # A palette of 256 takes a quarter of the smallest tensor that has one.
    most = sum(weight.numel() for weight in weights if weight.numel() >= 2048) * (16 - bits) / 8
    saved = (report.uncompressed_size_mib - report.size_mib) * 2**20
    assert 0.6 * most < saved < most


@pytest.mark.parametrize("compress", ["palettize4", "int8", "w8a8"])
def test_weights_of_fewer_bits_restore_nearly_the_same(package, carphone, compress):
    model = EmulatedModel(package("nafunet-lite", compress).path)
    frame = real_frames(carphone, (64, 128), 1)
    wanted = twin(build_variant("nafunet-lite"))(frame.unsqueeze(1)).frames[:, 0]
    noise = ((predicted(model, {"frames": frame})["restored"] - wanted) ** 2).mean() / wanted.var()
    assert -10 * np.log10(float(noise)) > {"palettize4": 12, "int8": 30, "w8a8": 20}[compress]


def test_8_bit_activations_go_in_and_out_of_convolutions(package):
    function = read_program(package("nafunet-lite", "w8a8").path).function()
    made_by = {output.name: step for step in function.block.walk() for output in step.outputs}
    quantized = [
        step
        for step in function.block.walk()
        if step.type == "conv" and made_by[step.inputs["weight"][0]].type.startswith("constexpr")
    ]
    assert quantized
    for step in quantized:
        assert made_by[step.inputs["x"][0]].type == "dequantize"
    assert package("nafunet-lite", "w8a8").fp32_ops == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nafunet"])
def test_8_bit_activations_with_states_and_images(package, name):
    report = package(name, "w8a8-stateful-image")
    assert report.ops["quantize"] > 0
    assert report.fp32_ops == ("cast restored",)


def test_a_palette_without_scikit_learn_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(compression, "find_spec", lambda name: None)
    with pytest.raises(VaderError, match="scikit-learn") as caught:
        convert(build("nafunet-lite", "tiny"), tmp_path / "net.mlpackage", shapes="64", compress="palettize4")
    assert "vader-mlx[compress]" in caught.value.hint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stateful": True, "shapes": "range:64-128"}, "cannot be stateful"),
        ({"stateful": True, "target": "iOS17"}, "iOS17 has no states"),
        ({"io": "video"}, "unknown io"),
        ({"compress": "zip"}, "unknown compression"),
        ({"compress": "w8a8", "target": "iOS16"}, "iOS16 has no w8a8"),
        ({"compress": "int8", "calibrate": "clip.mp4"}, "needs no clip"),
    ],
    ids=str,
)
def test_what_cannot_be_had_together_is_refused(tmp_path, change, message):
    with pytest.raises(UsageError, match=message) as caught:
        convert(build("nafunet-lite", "tiny"), tmp_path / "net.mlpackage", **{"shapes": "64"} | change)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_state_of_an_odd_width_is_refused(tmp_path):
    with pytest.raises(VaderError, match="'memory_valid' is 48 wide") as caught:
        convert(build_variant("nafunet-window-2"), tmp_path / "net.mlpackage", shapes="64", stateful=True)
    assert "--stateful" in caught.value.hint


def test_a_network_of_one_size_is_refused_in_several():
    interface = dataclasses.replace(INTERFACES["realtime"], any_size=False)
    for shapes in ("64,128", "range:64-128"):
        with pytest.raises(UsageError, match="needs one size") as caught:
            Form().check(interface, parse_shapes(shapes))
        assert "--stateful" in caught.value.hint
    Form().check(interface, parse_shapes("64"))
    Form(stateful=True).check(interface, parse_shapes("128,256"))
