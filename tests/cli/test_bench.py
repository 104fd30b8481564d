"""`vader-mlx bench`: what is measured is real, what fails is said, what no target covers is not judged."""

import json
import sys

import numpy as np
import pytest

from convert.shapes import Size
from mlx_vader import checkpoints
from mlx_vader.bench import session
from mlx_vader.bench.clips import prepare
from mlx_vader.bench.results import Row, compare, differences, read_result
from mlx_vader.bench.session import Configuration
from mlx_vader.bench.targets import target_for
from mlx_vader.bench.worker_process import Died, WorkerProcess
from mlx_vader.cli import main
from mlx_vader.errors import VaderError
from mlx_vader.models.registry import build
from mlx_vader.resizing import crop_and_resize
from mlx_vader.video import probe, read_clip

#: The keys that DESIGN promises.
KEYS = {
    *(
        "res",
        "backend",
        "unit",
        "kind",
        "latency_ms_p50",
        "latency_ms_p95",
        "fps",
        "fps_end_to_end",
        "compile_s",
    ),
    *("load_s", "peak_mib", "thermal_state", "target_fps", "passed"),
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "net.safetensors"
    return checkpoints.save(path, build("nafunet-lite", "tiny"))


@pytest.mark.parametrize(
    ("chip", "unit", "size", "fps"),
    [
        ("Apple M4", "cpuAndNeuralEngine", "256x256", 50),
        ("Apple M4", "GPU", "720x1280", 10),
        ("Apple M4", "CPU", "256x256", None),
        ("Apple M4 Pro", "GPU", "256x256", None),
        ("Apple M4", "GPU", "640x640", None),
        ("NVIDIA A10", "CUDA", "512x512", 60),
        ("NVIDIA A100-SXM4-40GB", "CUDA", "512x512", None),
        ("NVIDIA A10G", "CUDA", "512x512", None),
    ],
)
def test_only_the_device_and_size_of_a_target_are_judged(chip, unit, size, fps):
    target = target_for(chip, unit, size)
    assert (target.fps if target else None) == fps


def test_clip_is_real_and_of_the_size_asked_for(bunny, tmp_path):
    clip = prepare(bunny, Size(64, 96), 140, tmp_path)
    info = probe(clip.path)
    assert (info.height, info.width, info.frames) == (64, 96, 140)
    assert clip.label == "bigbuckbunny.mp4"
    middle = crop_and_resize(read_clip(bunny, 20, 1)[0], 64, 96)
    assert np.abs(read_clip(clip.path, 20, 1)[0] - middle).mean() < 0.02


def test_fitting_crops_the_middle_without_distortion():
    frame = np.zeros((40, 80, 3), np.float32)
    frame[10:30, 30:50] = 1
    square = crop_and_resize(frame, 40, 40)
    assert np.abs(square[10:30, 10:30] - 1).max() < 0.01
    assert square[:5].max() < 0.1


@pytest.mark.parametrize(("backend", "frames"), [("mlx", 6), ("torch", 3)])
def test_a_row_has_every_figure(checkpoint, bunny, backend, frames):
    wanted = Configuration("32x48", Size(32, 48), backend, "", str(checkpoint))
    result = session.run([wanted], frames=frames, clip=bunny)
    (row,) = result["rows"]
    assert row["frames"] == frames
    assert 0 < row["fps_slowest_turn"] <= row["fps"] <= row["fps_fastest_turn"]
    assert row["error"] is None
    assert row.keys() >= KEYS
    assert row["kind"] == "measured"
    assert 0 < row["latency_ms_p50"] <= row["latency_ms_p95"]
    assert min(row[key] for key in ("fps", "fps_end_to_end", "compile_s", "load_s", "peak_mib")) > 0
    assert json.loads(json.dumps(result)).keys() >= {"device", "versions", "rows"}


def test_a_configuration_that_fails_does_not_stop_the_others(checkpoint, bunny):
    size = Size(32, 32)
    configurations = [
        Configuration("32", size, "torch", "", "missing.safetensors"),
        Configuration("32", size, "torch", "", str(checkpoint)),
    ]
    broken, whole = session.run(configurations, frames=4, clip=bunny)["rows"]
    assert "missing.safetensors" in broken["error"]
    assert broken["fps"] is None
    assert whole["fps"] > 0


def test_a_hanging_process_is_ended(checkpoint, bunny):
    wanted = Configuration("32", Size(32, 32), "torch", "", str(checkpoint))
    (row,) = session.run([wanted], frames=4, clip=bunny, limit=0.01)["rows"]
    assert "within 0 s" in row["error"]


def test_a_process_that_dies_is_reported_with_its_last_words(tmp_path):
    log = tmp_path / "log"
    worker = WorkerProcess(log)
    worker._process.terminate()
    with pytest.raises(Died, match="ended during load"):
        worker.ask("load", {}, 60)
    worker.close()


def _result(fps: float, unit: str = "CPU", noise: float = 0.01, frames: int = 48) -> dict:
    row = Row("256", "256x256", "torch", unit, fps=fps, fps_end_to_end=fps, latency_ms_p50=1000 / fps)
    row.fps_slowest_turn, row.fps_fastest_turn, row.frames = fps * (1 - noise), fps * (1 + noise), frames
    return {"device": "x", "versions": {}, "rows": [row.as_dict()]}


def test_comparison_pairs_what_both_measured():
    (pair,) = compare(_result(10), _result(25))
    assert pair["fps"] == [10, 25]
    assert pair["ratio"] == 2.5
    assert compare(_result(10), _result(25, unit="CUDA")) == []


@pytest.mark.parametrize(
    ("second", "noise", "verdict"),
    [(13.3, 0.2, None), (13.3, 0.01, "faster"), (7.5, 0.01, "slower"), (10, 0.01, None)],
)
def test_a_difference_within_the_noise_is_none(second, noise, verdict):
    (pair,) = compare(_result(10, noise=noise), _result(second, noise=noise))
    assert pair["differs"] == verdict
    assert pair["ratio_low"] < pair["ratio"] < pair["ratio_high"]


def test_results_of_earlier_versions_are_compared_without_a_verdict():
    old = _result(10)
    del old["rows"][0]["fps_slowest_turn"]
    (pair,) = compare(old, _result(20))
    assert pair["ratio"] == 2
    assert pair["differs"] is pair["ratio_low"] is None


def test_what_else_differs_between_two_results_is_named():
    assert differences(_result(10), _result(10)) == {}
    other = _result(10, frames=6) | {"checkpoint": "degradations"}
    assert differences(_result(10) | {"checkpoint": "default"}, other) == {
        "frames": ("48", "6"),
        "checkpoint": ("default", "degradations"),
    }


@pytest.mark.parametrize("content", ["", "[]", '{"rows": 3}', '{"rows": [{}]}', "\x00"])
def test_what_is_no_result_file_is_refused(tmp_path, content):
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(VaderError):
        read_result(path)


def vader(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, "argv", ["vader-mlx", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_command_writes_json_alone_to_stdout(checkpoint, bunny, monkeypatch, capsys):
    options = (
        "--res",
        "32",
        "--backend",
        "torch",
        "--frames",
        "4",
        "-i",
        bunny,
        "-c",
        checkpoint,
        "--json",
        "-",
    )
    assert vader(monkeypatch, "bench", *options) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["res"] == "32"
    assert row["passed"] is None


def test_command_compares_two_files(tmp_path, monkeypatch, capsys):
    for name, fps in (("a", 10), ("b", 20)):
        (tmp_path / f"{name}.json").write_text(json.dumps(_result(fps)))
    assert vader(monkeypatch, "bench", "--compare", tmp_path / "a.json", tmp_path / "b.json") == 0
    printed = capsys.readouterr().out
    assert "2.00" in printed
    assert "noise" in printed


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--res", "big"], 2),
        (["--backend", "cuda"], 2),
        (["--compute-units", "ane"], 2),
        (["-c", "missing.safetensors"], 1),
        (["-i", "missing.mp4"], 1),
        (["--frames", "0"], 2),
    ],
    ids=str,
)
def test_a_wrong_request_is_refused(checkpoint, monkeypatch, capsys, arguments, code):
    assert vader(monkeypatch, "bench", "-c", checkpoint, "--res", "32", *arguments) == code
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("error: ") for line in lines)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has Core ML")
def test_the_emulator_is_labelled_and_never_judged(checkpoint, monkeypatch, capsys):
    arguments = ("--backend", "coreml", "--res", "256", "--frames", "4", "--json", "-")
    assert vader(monkeypatch, "bench", "-c", checkpoint, *arguments) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["kind"], row["unit"]) == ("emulated", "emulated")
    assert row["target_fps"] is row["passed"] is None
