"""`vader-mlx inspect`: the keys that others read, what is printed, and pages that stand alone."""

import json
import re
import sys

import pytest

from convert.coreml import open_source, write_package
from convert.features import features
from convert.package import read_spec
from mlx_vader.cli import main
from mlx_vader.cli.inspect import _fitting
from mlx_vader.models.registry import build
from tests.ane import packages

FUNCTION_KEYS = {
    *("name", "latency_ms", "latency_ms_low", "latency_ms_high", "fps", "gmac", "weights_mib"),
    *("peak_activation_mib", "ane_share", "switches", "ops"),
}
OPERATION_KEYS = {"name", "type", "gmac", "bytes", "unit", "rule", "ms"}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return packages.of_convolutions(tmp_path_factory.mktemp("chain"), 40, channels=128, side=128)


@pytest.fixture(scope="module")
def sizes(tmp_path_factory):
    return packages.of_sizes(tmp_path_factory.mktemp("sizes"), (64, 128))


@pytest.fixture(scope="module")
def open_sizes(tmp_path_factory):
    return packages.of_open_sizes(tmp_path_factory.mktemp("open"))


def run(monkeypatch, capsys, *arguments, columns=200) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["vader-mlx", "inspect", *map(str, arguments)])
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as finished:
        main()
    return int(finished.value.code or 0), *capsys.readouterr()


def json_of(monkeypatch, capsys, *arguments) -> dict:
    code, out, _ = run(monkeypatch, capsys, *arguments, "--json", "-")
    assert code == 0
    return json.loads(out)


def test_json_has_the_promised_keys_and_says_predicted(chain, monkeypatch, capsys) -> None:
    found = json_of(monkeypatch, capsys, chain, "--chip", "m4")
    assert (found["chip"], found["kind"]) == ("m4", "predicted")
    (function,) = found["functions"]
    assert set(function) >= FUNCTION_KEYS
    assert all(set(operation) >= OPERATION_KEYS for operation in function["ops"])
    assert function["latency_ms_low"] < function["latency_ms"] < function["latency_ms_high"]
    assert function["fps"] == pytest.approx(1000 / function["latency_ms"])
    assert function["gmac"] == pytest.approx(20 * 128 * 128 * 9 * 128 * 128 / 1e9)
    parts = sum(operation["ms"] for operation in function["ops"]) + sum(function["overheads"].values())
    assert parts + sum(edge["ms"] for edge in function["edges"]) == pytest.approx(function["latency_ms"])
    assert function["switches"] == 2


def test_the_table_names_unit_rule_and_interval(chain, monkeypatch, capsys) -> None:
    code, out, _ = run(monkeypatch, capsys, chain, "--chip", "m4")
    assert code == 0
    assert "middle" in out
    assert "has no implementation on the engine" in out
    assert "switches between units: 2" in out
    assert "the 25 costliest operations, predicted" in out
    assert "more take" in out
    assert re.search(r"latency .* to .* predicted", out)
    _, everything, _ = run(monkeypatch, capsys, chain, "--chip", "m4", "--all")
    assert everything.count("fused into") == 19


def test_several_chips_are_compared_and_borrowed_ones_say_so(chain, monkeypatch, capsys) -> None:
    found = json_of(monkeypatch, capsys, chain, "--chip", "m1", "--chip", "m3-max")
    assert [item["chip"] for item in found["chips"]] == ["m1", "m3-max"]
    assert found["chip_measured"]
    assert "not measured" in found["chips"][1]["chip_source"]
    _, out, _ = run(monkeypatch, capsys, chain, "--chip", "m1", "--chip", "m3-max")
    assert "borrowed of m3-pro" in out


def test_functions_by_name_and_by_size(sizes, monkeypatch, capsys) -> None:
    found = json_of(monkeypatch, capsys, sizes)
    assert [item["name"] for item in found["functions"]] == ["size_64x64", "size_128x128"]
    assert found["default_function"] == "size_128x128"
    (one,) = json_of(monkeypatch, capsys, sizes, "--function", "size_64x64")["functions"]
    (same,) = json_of(monkeypatch, capsys, sizes, "--shape", "64")["functions"]
    assert one == same
    code, _, err = run(monkeypatch, capsys, sizes, "--shape", "720p")
    assert code == 2
    assert "64x64, 128x128" in err


def test_open_sizes_are_fixed_and_noted(open_sizes, monkeypatch, capsys) -> None:
    (default,) = json_of(monkeypatch, capsys, open_sizes)["functions"]
    (larger,) = json_of(monkeypatch, capsys, open_sizes, "--shape", "128x256")["functions"]
    assert (default["frame"], larger["frame"]) == ("64x64", "128x256")
    assert larger["gmac"] == pytest.approx(8 * default["gmac"])
    assert "only the default one is known to run" in default["notes"][0]


def test_the_page_stands_alone(chain, tmp_path, monkeypatch, capsys) -> None:
    path = tmp_path / "report.html"
    code, _, _ = run(monkeypatch, capsys, chain, "--chip", "m4", "--chip", "m1", "--html", path)
    assert code == 0
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)=|@import|url\(|<script", text)
    assert "prefers-color-scheme: dark" in text
    assert text.count("<rect") == text.count("<title>") - 1
    assert "Predicted from published measurements" in text
    for tag in ("div", "table", "svg", "figure", "details"):
        assert text.count(f"<{tag}") == text.count(f"</{tag}>"), tag


def test_what_is_wrong_is_said(tmp_path, chain, monkeypatch, capsys) -> None:
    code, _, err = run(monkeypatch, capsys, tmp_path / "none.mlpackage")
    assert (code, "does not exist" in err) == (1, True)
    code, _, err = run(monkeypatch, capsys, chain, "--chip", "m99")
    assert (code, "m4-pro" in err) == (2, True)


@pytest.mark.skipif(sys.platform == "darwin", reason="there it measures")
def test_measuring_needs_a_mac(chain, monkeypatch, capsys) -> None:
    code, _, err = run(monkeypatch, capsys, chain, "--measured")
    assert (code, "measuring needs a Mac" in err) == (2, True)


def test_an_image_of_several_sizes_is_looked_at_in_the_one_asked_for(tmp_path, monkeypatch, capsys) -> None:
    path = tmp_path / "images.mlpackage"
    write_package(open_source(build("realtime", "tiny")), path, shapes="32,64", io="image")
    lists = [feature.shapes for feature in features(read_spec(path).description.input)]
    assert [[shape[-1] for shape in each] for each in lists] == [[64, 32], [64, 32], [16, 8]]
    (function,) = json_of(monkeypatch, capsys, path, "--shape", "32")["functions"]
    assert function["frame"] == "32x32"
    edges = {edge["name"]: edge for edge in function["edges"]}
    assert edges["hint"]["bytes"] == 32 * 32 * 2
    assert edges["frames"]["converted"]
    code, _, err = run(monkeypatch, capsys, path, "--shape", "48")
    assert (code, "it takes 64x64, 32x32" in err) == (2, True)


@pytest.mark.parametrize("arguments", [["--chip", "m4", "--all"], ["--chip", "m5-pro", "--chip", "a18-pro"]])
def test_at_80_columns_no_number_is_cut(chain, sizes, monkeypatch, capsys, arguments) -> None:
    code, out, _ = run(monkeypatch, capsys, chain, *arguments, columns=80)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    for line in out.splitlines():
        assert not re.search(r"\d…|e\+|[.,]…", line), line
    assert re.search(r"conv_0 +conv +1×128×128×128 2,416 8.3 0.\d\d ANE  compute", out)
    assert out.count("Bound by arithmetic") == 1
    code, out, _ = run(monkeypatch, capsys, sizes, *arguments, columns=80)
    assert code == 0
    assert "…" not in out.split("operations, predicted")[0]


def test_long_names_give_way_to_numbers() -> None:
    rows = [
        ("operation", "type", "result", "1"),
        ("n" * 60, "upsample_nearest_neighbor", "1×1280×720", "123"),
    ]
    fitted = _fitting(rows, 60)
    assert [len(cell) for cell in fitted[1]] == [19, 25, 10, 3]
    assert _fitting(rows, 40)[1][2:] == rows[1][2:]
    assert max(len(" ".join(row)) for row in _fitting(rows, 40)) <= 40
