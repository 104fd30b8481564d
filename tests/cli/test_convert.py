"""`vader-mlx convert` as a user meets it."""

import json
import subprocess
import sys

import pytest

from convert.verification import Verification
from mlx_vader import checkpoints
from mlx_vader.cli import main
from mlx_vader.models.registry import build


@pytest.fixture
def checkpoint(tmp_path):
    return checkpoints.save(tmp_path / "net.safetensors", build("nafunet-lite", "tiny"))


def vader(*arguments) -> subprocess.CompletedProcess:
    code = "import sys; from mlx_vader.cli import main; sys.argv[0] = 'vader-mlx'; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_a_checkpoint_becomes_a_package_and_libraries_are_silent(tmp_path, checkpoint):
    out = tmp_path / "net.mlpackage"
    result = vader("convert", "--to", "coreml", "-c", checkpoint, "-o", out, "--shapes", "64,72x128")
    assert result.returncode == 0, result.stderr
    assert (out / "Manifest.json").is_file()
    # The announcement alone, in which the path of the package may take two lines.
    told = [line.split()[0] for line in result.stderr.splitlines() if "net.mlpackage" not in line]
    assert [word for word in told if word != "to"] == ["converting", "sizes", "form", "then"]
    assert "64x64,72x128" in result.stdout


@pytest.mark.slow
def test_the_report_names_functions_frames_and_sizes(tmp_path, checkpoint):
    out = tmp_path / "net.mlpackage"
    options = ["--stateful", "--io", "image", "--compress", "int8", "--shapes", "64"]
    result = vader("convert", "-c", checkpoint, "-o", out, *options)
    assert result.returncode == 0, result.stderr
    for words in ("size_64x64", "8-bit RGB pixel buffers", "int8", "MiB uncompressed"):
        assert words in result.stdout


def test_json_has_stdout_for_itself(tmp_path, checkpoint):
    result = vader(
        "convert", "-c", checkpoint, "-o", tmp_path / "net.mlpackage", "--shapes", "64", "--json", "-"
    )
    assert json.loads(result.stdout)["outputs"] == ["restored"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--shapes", "100"], 2),
        (["--to", "onnx"], 2),
        (["--target", "iOS3"], 2),
        (["--stateful", "--shapes", "range:64-128"], 2),
        (["--io", "film"], 2),
        (["--target", "iOS16", "-c", "realtime"], 2),
        (["--compress", "zip"], 2),
        (["-c", "missing.safetensors"], 1),
        (["-o", "net.mlmodel"], 2),
    ],
    ids=str,
)
def test_a_wrong_request_gets_an_error_a_hint_and_its_code(
    tmp_path, checkpoint, capsys, monkeypatch, arguments, code
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["vader-mlx", "convert", "-c", str(checkpoint), "-o", "net.mlpackage", *arguments]
    )
    with pytest.raises(SystemExit) as caught:
        main()
    error, hint, *rest = capsys.readouterr().err.splitlines()
    assert caught.value.code == code
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert not rest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.safetensors"]


def test_a_rejected_package_is_reported_as_json(tmp_path, capsys, monkeypatch):
    checkpoint = checkpoints.save(tmp_path / "net.safetensors", build("realtime", "tiny"))
    failed = Verification(50.0, (), 0.0, (), None, ("it does not run",), 16, "a clip")
    monkeypatch.setattr("convert.coreml.verify_source", lambda *_, **__: failed)
    out = tmp_path / "net.mlpackage"
    arguments = ["-c", str(checkpoint), "-o", str(out), "--shapes", "360", "--json", "-"]
    monkeypatch.setattr(sys, "argv", ["vader-mlx", "convert", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    captured = capsys.readouterr()
    assert caught.value.code == 1
    report = json.loads(captured.out)
    assert report["rejected"]
    assert report["path"] == f"{out}.rejected"
    assert report["verification"]["failures"] == ["it does not run"]
    assert "360 is a square, 360x360; 360p is 360x640" in captured.err
