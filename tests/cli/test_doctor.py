"""`vader-mlx doctor` tries things, never falls over, and has a hint for what does not work."""

import json
import sys

import pytest

from mlx_vader import doctor
from mlx_vader.cli import main
from mlx_vader.doctor import Finding, checks, works
from mlx_vader.doctor.findings import looked_at


def vader(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, "argv", ["vader-mlx", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    return caught.value.code


def test_doctor_reports_this_machine(monkeypatch, capsys):
    assert vader(monkeypatch, "doctor", "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["works"]
    found = {(finding["group"], finding["name"]): finding for finding in report["findings"]}
    assert found["backends", "mlx"]["ok"]
    assert found["backends", "torch"]["ok"]
    assert found["encoders", "libx264"]["ok"]
    assert "GFLOP/s" in found["speed", "matrix products"]["value"]
    assert all(finding["hint"] for finding in report["findings"] if finding["ok"] is False)


def test_it_says_for_which_of_the_two_there_is_cuda(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("mlx.core.cuda.is_available", lambda: False)
    assert next(finding for finding in checks.machine() if finding.name == "CUDA").value == "for PyTorch"


def test_a_backend_that_breaks_is_a_finding(monkeypatch):
    def broken(name, source):
        raise RuntimeError("no such kernel\nand more")

    monkeypatch.setattr("mlx_vader.backends.load_backend", broken)
    findings = [finding for finding in checks.backends() if finding.name in ("mlx", "torch")]
    assert [finding.ok for finding in findings] == [False, False]
    assert all("no such kernel" in finding.value and finding.hint for finding in findings)
    assert not works(findings)


def test_a_broken_installation_is_a_finding():
    def speed():
        raise ImportError("libmlx.so is missing")

    (finding,) = looked_at(speed)
    assert finding.ok is False
    assert finding.hint


def test_exit_code_is_1_when_nothing_works(monkeypatch, capsys):
    broken = [Finding("backends", "mlx", "broken", False, "mend it")]
    monkeypatch.setattr(doctor, "GROUPS", (lambda: broken,))
    assert vader(monkeypatch, "doctor") == 1
    out = capsys.readouterr().out
    assert "broken" in out
    assert "mend it" in out


def test_slow_matrix_products_get_a_hint(monkeypatch):
    monkeypatch.setattr("mlx_vader.backends.mlx.has_gpu", lambda: False)
    monkeypatch.setattr(checks, "_gflops", lambda: 6.0)
    finding = checks._blas()
    assert not finding.ok
    assert "torch" in finding.hint


def test_what_is_to_be_copied_is_in_one_piece(monkeypatch, capsys):
    command = f"vader-mlx import {'very-' * 30}long-name.whl --as a-name"
    findings = [Finding("extras", "weights", "absent", None, f"to get it: {command}")]
    monkeypatch.setattr(doctor, "GROUPS", (lambda: findings, lambda: [Finding("backends", "mlx", "works")]))
    monkeypatch.setenv("COLUMNS", "80")
    assert vader(monkeypatch, "doctor") == 0
    assert command in capsys.readouterr().out
