"""What the command line prints has room in 80 columns: nothing is cut, and commands can be copied."""

from dataclasses import fields
from pathlib import Path

import pytest
import typer

from convert.report import ConversionReport
from convert.verification import Flag, OutputCheck, Verification, WorstOp
from mlx_vader import cli
from mlx_vader.bench.results import Row
from mlx_vader.cli import COMMANDS, bench, convert, doctor, run_, verify
from mlx_vader.cli.console import announce, stdout_console
from mlx_vader.doctor.findings import Finding

WIDTH = 80


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_room(command, capsys):
    assert cli.run([*([command.rstrip("_")] if command else []), "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert not [line for line in lines if "…" in line]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_is_one_line(command, capsys):
    """What is broken into two lines can't be copied."""
    app = typer.main.get_command(cli.build_app())
    text = app.get_command(typer.Context(app), command.rstrip("_")).help
    examples = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    cli.run([command.rstrip("_"), "--help"])
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert examples
    assert [" ".join(example.split()) for example in examples if " ".join(example.split()) not in shown] == []


LONG = (
    "/a/rather/long/folder/of/somebody/who/keeps/everything/in/order/2026/november/holiday-in-the-mountains"
)
NUMBER = 2.3912345e-17


def _bench():
    row = Row("720p", "720x1280", "torch", "NVIDIA A100-SXM4-40GB", fps=1234.567, error=f"{LONG} failed")
    row.latency_ms_p50 = row.latency_ms_p95 = row.fps_end_to_end = row.load_s = row.compile_s = 12345.67
    row.peak_mib, row.target_fps, row.passed, row.target, row.clip = 123456.7, 24.0, True, "NVIDIA A10", LONG
    return bench.result_table({"device": LONG, "rows": [row.as_dict()]})


def _comparison():
    pair = {
        "res": "720p",
        "backend": "coreml",
        "unit": "cpuAndNeuralEngine",
        "fps": [12345.6, 23456.7],
        "ratio": 1.9,
    }
    pair |= {"ratio_low": 123.45, "ratio_high": 234.56, "differs": None}
    return bench.comparison_table([pair], {"clip": (LONG, f"{LONG}2")})


def _verified(console):
    check = OutputCheck("Core ML (cpuAndNeuralEngine)", "size_720x1280", "720x1280", LONG, 123.4, NUMBER)
    flag = Flag("size_720x1280", LONG, "conv", "inf", 65504.0)
    verify.show(
        Verification(50.0, (check,), 0.1, (flag,), WorstOp(LONG, "conv", 12.3), (), 16, LONG), console
    )


def _interface(console):
    row = {"name": LONG, "dtype": "RGB image", "shape": "1×3×720×1280 or 1×3×1080×1920", "about": LONG}
    report = {"package": LONG, "function": "main", "functions": ["main", LONG], "states": []}
    run_._show_interface(report | {"inputs": [row], "outputs": [row]}, console)


def _results(console):
    row = {"name": LONG, "shape": [1, 3, 720, 1280], "dtype": "float16", "min": -NUMBER, "max": NUMBER}
    report = {"package": LONG, "precision": "fp16", "outputs": [row], "fp16_flags": [], "written": [LONG]}
    run_._show_results(report, console)


def _converted(console):
    names = ("hidden_state_of_the_first_scale", "hidden_state_of_the_second_scale")
    values = dict.fromkeys((field.name for field in fields(ConversionReport)), "256x256, 720x1280")
    values |= {
        "path": Path(LONG),
        "functions": {},
        "inputs": names,
        "outputs": names,
        "states": names,
        "kept": names,
    }
    values |= {
        "io": "image",
        "size_mib": 2.2,
        "uncompressed_size_mib": 2.2,
        "ops": {"conv": 99},
        "fp32_ops": (),
    }
    report = ConversionReport(**values | {"seconds": 12.3, "verification": None})
    convert._print(report, Path(LONG))


SHOWN = {
    "announce": (lambda console: announce("cleaning", {"to": LONG}), [LONG]),
    "bench": (lambda console: console.print(_bench()), [LONG, "12346", "123457", "1235"]),
    "bench --compare": (lambda console: console.print(_comparison()), [LONG, "12346", "123.45 to 234.56"]),
    "verify": (_verified, [LONG, "2.4e-17", "123.4"]),
    "run": (_interface, [LONG]),
    "run --input": (_results, [LONG, "-2.39123e-17"]),
    "convert": (_converted, [LONG]),
    "doctor": (lambda console: doctor._print([Finding("g", "a name", LONG, False, f"rm {LONG}")]), [LONG]),
}


@pytest.mark.parametrize(("show", "whole"), SHOWN.values(), ids=SHOWN)
def test_no_table_cuts_a_number_or_a_path(show, whole, capsys):
    show(stdout_console())
    printed = "".join(capsys.readouterr())
    assert "…" not in printed.replace(", …", "")
    for text in whole:
        assert _found(text, printed), text


def _found(text: str, printed: str) -> bool:
    """Whether it is there in one piece, or a path in the lines of one column."""
    if text in printed:
        return True
    left = text
    for line in printed.splitlines():
        pieces = [word for word in line.split() if len(word) > 1 and left.startswith(word)]
        left = left.removeprefix(pieces[0]) if pieces else left
    return text == LONG and not left
