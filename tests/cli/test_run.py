"""`vader-mlx run` as a user meets it."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from convert.coreml import open_source, write_package
from convert.quiet import quiet
from mlx_vader.cli import main
from mlx_vader.models.registry import build

with quiet():
    import coremltools as ct


class Halve(torch.nn.Module):
    def forward(self, x):
        return x * 0.5


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """(1, 3, 8, 12) in, half of it out."""
    path = tmp_path_factory.mktemp("run") / "theirs.mlpackage"
    with quiet():
        traced = torch.jit.trace(Halve(), torch.zeros(1, 3, 8, 12))
        ct.convert(
            traced,
            inputs=[ct.TensorType("image", (1, 3, 8, 12))],
            outputs=[ct.TensorType("out")],
            minimum_deployment_target=ct.target.iOS16,
            skip_model_load=True,
        ).save(str(path))
    return path


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """A package of this toolkit, which takes frames of 8x16 or 16x32 pixels, a hint and a memory."""
    path = tmp_path_factory.mktemp("ours") / "ours.mlpackage"
    write_package(open_source(build("realtime", "tiny")), path, shapes="8x16,16x32")
    return path


@pytest.fixture
def vader(monkeypatch):
    def call(*arguments) -> int:
        monkeypatch.setattr("sys.argv", ["vader-mlx", "run", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        return caught.value.code

    return call


@pytest.fixture
def frame(tmp_path):
    path = tmp_path / "frame.png"
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_without_input_it_says_what_the_package_takes(package, vader, capsys):
    assert vader(package) == 0
    shown = capsys.readouterr().out
    assert "image" in shown
    assert "1×3×8×12" in shown
    assert vader(package, "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in report["inputs"]] == ["image"]
    assert report["functions"] == ["main"]


def test_a_picture_goes_in_and_a_picture_comes_out(package, vader, capsys, frame, tmp_path):
    out = tmp_path / "out.png"
    assert vader(package, "--input", frame, "-o", out) == 0
    halved = np.asarray(Image.open(out), np.float32)
    assert np.abs(halved - np.asarray(Image.open(frame), np.float32) / 2).max() <= 1
    captured = capsys.readouterr()
    assert "channels first" in captured.err
    assert "1×3×8×12" in captured.out


def test_arrays_go_in_and_all_outputs_come_out(package, vader, capsys, tmp_path):
    given = np.random.default_rng(0).random((1, 3, 8, 12)).astype(np.float32) * 1e5
    np.save(tmp_path / "x.npy", given)
    all_, report = tmp_path / "all.npz", tmp_path / "report.json"
    assert vader(package, "-i", f"image={tmp_path / 'x.npy'}", "-o", all_, "--json", report) == 0
    assert set(np.load(all_)) == {"out"}
    flags = json.loads(report.read_text())["fp16_flags"]
    assert {flag["kind"] for flag in flags} == {"inf"}
    assert "overflows" in capsys.readouterr().out
    assert vader(package, "-i", tmp_path / "x.npy", "-o", all_, "--precision", "fp32") == 0
    np.testing.assert_allclose(np.load(all_)["out"], given / 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out.png"], "no input"),
        (["-i", "missing.png"], "no file"),
        (["-i", "other=frame.png"], "no 'other'"),
        (["-i", "frame.png", "-o", "out.mp4"], "cannot write"),
        (["-i", "frame.png", "-o", "other=out.png"], "no 'other'"),
        (["-i", "small.png"], "1×3×4×4"),
        (["-i", "text.png"], "no image"),
        (["--function", "other"], "no function"),
        (["-i", "frame.png", "--precision", "int8"], "unknown precision"),
    ],
    ids=str,
)
def test_a_wrong_request_gets_an_error_and_a_hint(
    package, vader, capsys, frame, monkeypatch, tmp_path, arguments, message
):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (4, 4)).save("small.png")
    (tmp_path / "text.png").write_text("no picture")
    assert vader(package, *arguments) in (1, 2)
    error, hint, *rest = [line for line in capsys.readouterr().err.splitlines() if "in [0, 1]" not in line]
    assert error.startswith("error: ")
    assert message in error
    assert hint.startswith("hint: ")
    assert not rest


def test_a_package_that_core_ml_refuses_runs_and_is_named(vader, capsys, tmp_path):
    path = tmp_path / "padded.mlpackage"
    with quiet():
        ct.convert(
            torch.jit.trace(torch.nn.ReflectionPad3d(1), torch.zeros(1, 2, 3, 4, 5)),
            inputs=[ct.TensorType("x", (1, 2, 3, 4, 5))],
            skip_model_load=True,
        ).save(str(path))
    np.save(tmp_path / "x.npy", np.ones((1, 2, 3, 4, 5), np.float32))
    for arguments in ([], ["--input", tmp_path / "x.npy"]):
        assert vader(path, *arguments, "--json", "-") == 0
        captured = capsys.readouterr()
        assert "Core ML will not load it: the operation pad" in captured.err
        (refusal,) = json.loads(captured.out)["refusals"]
        assert (refusal["id"], refusal["source"].split(",")[0]) == ("pad-axes", "apple/coremltools #2576")


@pytest.fixture
def wide(tmp_path):
    path = tmp_path / "wide.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)).save(path)
    return path


def test_shapes_are_told_in_the_order_in_which_they_go_together(ours, vader, capsys):
    assert vader(ours) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1×3×16×32 or 1×3×8×16" in out
    assert "the first of their shapes together" in out


def test_our_own_package_takes_a_picture_and_nothing_else(ours, vader, capsys, wide, tmp_path):
    out = tmp_path / "out.png"
    assert vader(ours, "--input", wide, "-o", out) == 0
    assert np.asarray(Image.open(out)).shape == (8, 16, 3)
    assert "zeros, as nothing was given: hint, hidden_in" in capsys.readouterr().err


def test_an_array_is_the_input_of_its_shape(ours, vader, capsys, wide, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((1, 1, 8, 16), np.float32))
    arguments = ["--input", wide, "--json", "-", "-o", "hidden_out=" + str(tmp_path / "out.npy")]
    results = []
    for hint in ([], ["--input", tmp_path / "a.npy"], ["--input", f"hint={tmp_path / 'a.npy'}"]):
        assert vader(ours, *arguments, *hint) == 0
        results.append(np.load(tmp_path / "out.npy"))
    assert "zeros, as nothing was given: hidden_in" in capsys.readouterr().err
    np.testing.assert_array_equal(results[1], results[2])
    assert not np.array_equal(results[0], results[1])


def test_a_picture_of_another_size_is_refused_by_its_size(ours, vader, capsys, tmp_path):
    Image.new("RGB", (20, 8)).save(tmp_path / "wider.png")
    assert vader(ours, "--input", tmp_path / "wider.png") == 2
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "error: the input 'frames' is an array of 1×3×8×20",
        "hint: it takes 1×3×16×32 or 1×3×8×16",
    ]
