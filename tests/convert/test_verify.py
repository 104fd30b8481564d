"""A package is checked by running it; one that was damaged fails, and says where."""

import json
import shutil
import sys
from dataclasses import replace

import mlx.core as mx
import numpy as np
import pytest
import torch

from convert.coreml import convert, open_source, write_package
from convert.facts import PackageFacts
from convert.package import read_spec
from convert.running import PackageRunner, opener
from convert.shapes import Size, parse_shapes
from convert.verification import OutputCheck, RejectedError, Verification
from convert.verify import on_device, run_stream, sizes_to_check, verify, verify_source
from mlx_vader.cli import run as vader
from mlx_vader.errors import VaderError
from mlx_vader.models.registry import build


@pytest.fixture(scope="module")
def network():
    mx.random.seed(5)
    return build("composite", "tiny")


@pytest.fixture(scope="module")
def package(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("packages") / "whole.mlpackage"
    write_package(open_source(network), path, shapes="64x96")
    return path


@pytest.fixture
def copy(package, tmp_path):
    return shutil.copytree(package, tmp_path / "copy.mlpackage")


def test_every_output_and_state_of_a_stream_is_compared(package, network):
    report = verify(package, network)
    assert report.passed
    emulated = [row for row in report.outputs if row.engine == "emulated"]
    assert [row.name for row in emulated] == ["mask", "memory", "memory_valid", "restored"]
    assert all(row.psnr_db >= 50 and row.shape == "64x96" for row in emulated)
    assert report.worst_op is not None
    assert report.worst_op.psnr_db < 120, "half precision is not exact"
    again = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert again["passed"]
    assert again["threshold_db"] == 50


def test_a_corrupted_weight_fails(copy, network):
    weights = copy / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    data = np.fromfile(weights, np.uint8)
    middle = len(data) // 2
    # The exponents of a few halves: what a torn copy does.
    data[middle : middle + 256] ^= 0x3C
    data.tofile(weights)
    report = verify(copy, network)
    assert not report.passed
    assert min(row.psnr_db for row in report.outputs) < 50


def test_a_corrupted_shape_fails(copy, network):
    model = copy / "Data" / "com.apple.CoreML" / "model.mlmodel"
    spec = read_spec(copy)
    block = next(iter(spec.mlProgram.functions["main"].block_specializations.values()))
    names = {
        binding.name
        for operation in block.operations
        if operation.type == "reshape"
        for binding in operation.inputs["shape"].arguments
    }
    constant = next(
        operation.attributes["val"].immediateValue.tensor.ints
        for operation in block.operations
        if operation.type == "const"
        and operation.outputs[0].name in names
        and len(operation.attributes["val"].immediateValue.tensor.ints.values) > 1
    )
    constant.values[0], constant.values[-1] = constant.values[-1] + 1, constant.values[0]
    model.write_bytes(spec.SerializeToString())
    report = verify(copy, network)
    assert not report.passed
    assert report.failures
    assert all("emulated at 64x96" in failure for failure in report.failures)


def test_another_networks_checkpoint_is_refused(package):
    with pytest.raises(VaderError, match="another network"):
        verify(package, build("nafunet", "tiny"))


def test_other_weights_fail(package):
    mx.random.seed(6)
    assert not verify(package, build("composite", "tiny")).passed


def test_the_process_of_its_own_gives_the_same_stream(package, monkeypatch):
    # As many threads in both: among others the sums differ in the last bit.
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
    inputs = {"frames": np.random.default_rng(2).random((3, 64, 96, 3), np.float32)}
    runner = PackageRunner(PackageFacts.read(package), opener(package, "all"))
    alone, here = on_device(package, "all", inputs), run_stream(runner, inputs)
    assert alone.keys() == here.keys()
    for name, values in here.items():
        np.testing.assert_array_equal(alone[name], values, err_msg=name)


def test_what_kills_the_process_is_one_line(tmp_path):
    with pytest.raises(VaderError, match="does not exist"):
        on_device(tmp_path / "missing.mlpackage", "all", {"frames": np.zeros((1, 8, 8, 3), np.float32)})


@pytest.mark.parametrize(
    ("shapes", "sizes"),
    [
        ("256,720p", [(256, 256), (720, 1280)]),
        ("range:256-512", [(256, 256), (384, 256), (512, 512)]),
        ("range:256-1280", [(256, 256), (480, 256), (720, 1280)]),
    ],
)
def test_sizes_that_are_checked(shapes, sizes):
    assert sizes_to_check(parse_shapes(shapes, 16), 16) == [Size(*size) for size in sizes]


def test_nothing_compared_is_nothing_passed():
    assert not Verification(50, (), 0.0, (), None, (), 16, "").passed
    row = OutputCheck("emulated", "main", "64x64", "restored", 60.0, 1e-3)
    assert Verification(50, (row,), 0.0, (), None, (), 16, "").passed
    assert not Verification(50, (row,), 0.0, (), None, ("all at 64x64: crashed",), 16, "").passed


def test_a_state_of_a_compressed_package_counts_by_its_effect():
    restored = OutputCheck("emulated", "main", "64x64", "restored", 42.0, 0.1)
    state = OutputCheck("emulated", "main", "64x64", "hidden", 19.0, 0.4, judged=False)
    assert Verification(30, (restored, state), 0.0, (), None, (), 16, "").passed
    assert not Verification(30, (restored, replace(state, judged=True)), 0.0, (), None, (), 16, "").passed
    missing = replace(state, psnr_db=0.0, max_abs=None)
    assert not Verification(30, (restored, missing), 0.0, (), None, (), 16, "").passed


def test_states_are_judged_where_weights_are_whole(package, network):
    source = open_source(network)
    whole = PackageFacts.read(package)
    for facts, wanted in ((whole, True), (replace(whole, compressed=True), False)):
        rows = {row.name: row for row in verify_source(package, facts, source).outputs}
        assert rows["restored"].judged
        assert rows["memory"].judged is wanted


def test_the_command_says_what_failed(copy, network, tmp_path, capsys):
    from mlx_vader import checkpoints

    checkpoint = tmp_path / "net.safetensors"
    checkpoints.save(checkpoint, network)
    assert vader(["verify", str(copy), "-c", str(checkpoint)]) == 0
    assert "passed" in capsys.readouterr().out
    assert vader(["verify", str(copy), "-c", str(checkpoint), "--threshold", "119", "--json", "-"]) == 1
    assert not json.loads(capsys.readouterr().out)["passed"]


@pytest.mark.apple
def test_core_ml_itself_agrees_on_every_compute_unit(package, network):
    assert sys.platform == "darwin"
    report = verify(package, network)
    assert report.passed, report
    assert {row.engine for row in report.outputs} >= {"emulated", "all", "cpuOnly"}


def test_a_conversion_that_does_not_agree_is_rejected(network, tmp_path, monkeypatch):
    monkeypatch.setattr("convert.verify.THRESHOLD_DB", 119.0)
    out = tmp_path / "net.mlpackage"
    with pytest.raises(RejectedError, match=r"net\.mlpackage\.rejected") as rejected:
        convert(network, out, shapes="32")
    assert not out.exists()
    assert (tmp_path / "net.mlpackage.rejected" / "Manifest.json").is_file()
    assert not rejected.value.verification.passed
    assert [path.name for path in tmp_path.iterdir()] == ["net.mlpackage.rejected"]
