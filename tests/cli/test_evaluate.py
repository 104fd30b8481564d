"""`vader-mlx evaluate`: tables for people, JSON for machines, a page, and one line for what is wrong."""

import json
import signal
import sys
from pathlib import Path

import pytest

from mlx_vader import checkpoints
from mlx_vader.cli import main
from mlx_vader.evaluation import evaluation
from mlx_vader.models.registry import build

SMALL = ("--frames", 2, "--height", 48, "--suite", "clean,jpeg_compression", "--method", "deblock")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    return checkpoints.save(path, build("composite", "tiny"))


def run(monkeypatch, capsys, *arguments) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["vader-mlx", "evaluate", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    out, err = capsys.readouterr()
    return stopped.value.code, out, err


def test_tables_tell_who_is_best_and_where_networks_ran(carphone, checkpoint, monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    code, out, err = run(
        monkeypatch, capsys, carphone, "-c", checkpoint, "--backend", "torch", *SMALL, "--method", "tiny"
    )
    assert code == 0
    assert "jpeg_compression, mean of 1 clip" in out
    assert "gains in PSNR, dB" in out
    assert "Networks: torch on " in out
    assert out.count("deblock") == 8  # in four tables' rows, and as the best baseline of each
    assert "no LPIPS" in err or "LPIPS" in out


def test_figures_are_whole_in_80_columns(carphone, monkeypatch, capsys) -> None:
    options = ("--frames", 2, "--height", 48, "--suite", "corner_logo", "--method", "removelogo")
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(monkeypatch, capsys, carphone, *options)
    assert code == 0
    assert "…" not in out
    assert max(map(len, out.splitlines()[:-4])) <= 80


def test_json_alone_is_on_stdout_and_has_the_promised_keys(carphone, monkeypatch, capsys) -> None:
    code, out, _ = run(monkeypatch, capsys, carphone, *SMALL, "--json", "-")
    assert code == 0
    result = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    keys = {
        *("clip", "artifact", "severity", "method", "psnr", "psnr_mask", "psnr_outside", "ssim", "lpips"),
        *("mask_iou", "warping_error", "seconds_per_frame"),
    }
    assert all(row.keys() >= keys for row in result["rows"])
    assert len(result["rows"]) == 4 * 2
    assert len(result["summary"]) == 4


def test_both_files_are_written(carphone, tmp_path, monkeypatch, capsys) -> None:
    page, table = tmp_path / "r.html", tmp_path / "r.json"
    code, _, _ = run(monkeypatch, capsys, carphone, *SMALL, "--html", page, "--json", table)
    assert code == 0
    assert page.read_text().endswith("</html>\n")
    assert json.loads(table.read_text())["rows"]


def test_an_interrupted_run_leaves_no_file(carphone, tmp_path, monkeypatch, capsys) -> None:
    measured = evaluation.measure
    done = []

    def measure_and_stop(*arguments, **given):
        done.append(measured(*arguments, **given))
        if len(done) == 3:
            signal.raise_signal(signal.SIGINT)
        return done[-1]

    monkeypatch.setattr(evaluation, "measure", measure_and_stop)
    files = ("--html", tmp_path / "r.html", "--json", tmp_path / "r.json")
    code, out, _ = run(monkeypatch, capsys, carphone, *SMALL, *files)
    assert (code, len(done), out) == (130, 3, "")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_clip_is_one_line(tmp_path, monkeypatch, capsys) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(bytes(1000))
    code, out, err = run(monkeypatch, capsys, broken, *SMALL)
    assert (code, out) == (1, "")
    assert "broken.mp4" in err
    assert err.count("error:") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--suite", "sparkle"), "there is no suite 'sparkle'"),
        (("--method", "sparkle"), "there is no method 'sparkle'"),
        (("-c", "sparkle"), "no checkpoint sparkle"),
        (("--logos", "sparkle"), "sparkle is not a folder"),
        (("--json", f"{__file__}/r.json"), "cannot be written"),
        (("--html", f"{__file__}/r.html"), "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(arguments, said, carphone, monkeypatch, capsys) -> None:
    code, out, err = run(monkeypatch, capsys, carphone, *arguments)
    assert code in (1, 2)
    assert out == ""
    assert said in err
    assert "hint:" in err
