"""Weights that cannot bear fewer bits keep 16: as many as the outputs need."""

import mlx.core as mx
import pytest

from convert import convert
from convert.compression import weight_digests
from convert.coreml import open_source, write_package
from convert.form import Form
from convert.mixed_precision import nearest_weights, weights_to_keep
from convert.program import read_program
from convert.shapes import parse_shapes
from convert.tracing import state_output
from mlx_vader.models.registry import build


def network(*, uneven: bool):
    """`uneven`: the first layer's weights are of very different sizes, and even steps for all lose the small ones."""
    mx.random.seed(3)
    net = build("realtime", "tiny", hidden=16)
    if uneven:
        net.stem.weight3 = net.stem.weight3 * mx.exp(2 * mx.random.normal(net.stem.weight3.shape))
        net.paint.weight3 = net.paint.weight3 * 20
        net.paint.bias = mx.zeros_like(net.paint.bias)
    return net


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A package whose outputs reach 25 dB when every weight is compressed, against 30 that they have to."""
    path = tmp_path_factory.mktemp("packages") / "net.mlpackage"
    return convert(network(uneven=True), path, shapes="32", compress="int8")


def test_a_package_that_would_fail_keeps_the_weights_that_it_needs(report):
    assert report.verification.passed
    assert report.kept == ("twin_remember_weight_to_fp16", "twin_stem_weight_to_fp16")
    steps = [step.name for step in read_program(report.path).function().block.walk()]
    assert all(name in steps and f"{name}_quantized" not in steps for name in report.kept)
    assert "twin_paint_weight_to_fp16_quantized" in steps
    assert report.size_mib < report.uncompressed_size_mib


def test_its_outputs_are_judged_and_its_state_is_shown(report):
    rows = {row.name: row for row in report.verification.outputs}
    assert {name: row.judged for name, row in rows.items()} == {
        "hidden": False,
        "mask": True,
        "restored": True,
    }
    assert all(row.psnr_db >= 33 for row in rows.values() if row.judged)


def test_a_package_that_passes_keeps_nothing():
    source = open_source(network(uneven=False))
    assert weights_to_keep(source, parse_shapes("32"), Form(compress="int8")) == {}


@pytest.fixture(scope="module")
def stateful(tmp_path_factory):
    """The same network at another size, with its memory inside."""
    path = tmp_path_factory.mktemp("packages") / "net.mlpackage"
    return write_package(open_source(network(uneven=True)), path, shapes="128", stateful=True).path


def test_a_weight_is_the_same_at_every_size(report, stateful):
    kept = {digest for name, digest in weight_digests(report.path).items() if name in report.kept}
    assert len(kept) == 2
    assert kept <= set(weight_digests(stateful).values())


def test_the_layer_that_writes_the_memory_is_found(report, stateful):
    for package, outputs in ((report.path, [state_output("hidden")]), (stateful, [])):
        found = nearest_weights(read_program(package).function(), outputs, weight_digests(stateful))
        assert found == ["twin_remember_weight_to_fp16"]


@pytest.mark.slow
@pytest.mark.parametrize("compress", ["palettize4", "palettize6", "palettize8", "int8", "w8a8"])
def test_what_ships_passes_in_fewer_bits(compress, tmp_path):
    report = convert("default", tmp_path / "net.mlpackage", shapes="128", compress=compress)
    assert report.verification.passed
    assert report.size_mib < 0.9 * report.uncompressed_size_mib
