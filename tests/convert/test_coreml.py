"""Every network of the registry as a package: its interface, its precision, and the numbers that it computes."""

import hashlib
import json
from functools import cache

import pytest
import torch

from convert import ConversionReport, convert, twin
from convert.coreml import TwinSource, open_source, write_package
from convert.package import operations, read_spec
from convert.program import read_program
from convert.verify import verify
from mlx_vader import __version__, checkpoints
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.models.base import restoration
from mlx_vader.models.registry import NETWORKS, build
from mlx_vader.training.config import NETS
from tests.models.variants import INTERFACES, OTHERS, SOME_NETWORKS, VARIANTS, build_variant
from torch_ref.models.base import Network, Restored

#: Form → what is asked for. Flexible packages are checked at sizes that were not traced.
FORMS = {
    "fixed": {"shapes": "64x96"},
    "enumerated": {"shapes": "64,72x128,128"},
    "range": {"shapes": "range:64-160"},
    "stateful": {"shapes": "64x128,72x256", "stateful": True},
}
#: Those whose memory goes in and out as arrays.
ONE_FUNCTION = ("fixed", "enumerated", "range")
#: Every network in the forms that it can have: its interface says whether one package may take several sizes.
CASES = [
    (name, form)
    for name in NETWORKS
    for form in FORMS
    if INTERFACES[name].any_size or form in ("fixed", "stateful")
]
#: The default network in every form, the others in one; CI's slow run has the rest.
SOME_CASES = [
    pytest.param(*case, marks=[] if case[0] == NETS[0] or case[1] == "fixed" else pytest.mark.slow)
    for case in CASES
]
#: What Core ML runs on the CPU alone, splitting the program (facts of M4: apple-silicon.md, 'Residency').
CPU_ONLY = {
    *(
        "asin",
        "acos",
        "tan",
        "sinh",
        "cosh",
        "mod",
        "cumsum",
        "reduce_prod",
        "reduce_argmax",
        "non_zero",
        "one_hot",
    ),
    *(
        "gather",
        "gather_nd",
        "gather_along_axis",
        "scatter",
        "scatter_nd",
        "scatter_along_axis",
        "crop_resize",
    ),
    *(
        "gru",
        "lstm",
        "rnn",
        "topk",
        "argsort",
        "shape",
        "range_1d",
        "cast",
        "fill",
        "while_loop",
        "cond",
        "resample",
    ),
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """`package(variant, form)`: the report of a package, made once."""
    folder = tmp_path_factory.mktemp("packages")

    @cache
    def make(variant: str, form: str) -> ConversionReport:
        source, path = open_source(build_variant(variant)), folder / f"{variant}-{form}.mlpackage"
        return write_package(source, path, **FORMS[form])

    return make


@pytest.mark.parametrize(("name", "form"), SOME_CASES)
def test_package_equals_twin_over_a_stream(package, name, form):
    report = verify(package(name, form).path, build_variant(name))
    assert report.passed, report
    assert report.threshold_db == 50
    assert not report.fp16_flags


@pytest.mark.slow
@pytest.mark.parametrize("form", ONE_FUNCTION)
@pytest.mark.parametrize("variant", sorted(VARIANTS.keys() - NETWORKS.keys()))
def test_package_of_every_variant_equals_twin(package, variant, form):
    report = verify(package(variant, form).path, build_variant(variant))
    assert report.passed, report


@pytest.mark.parametrize(("name", "form"), [case for case in SOME_CASES if case.values[1] in ONE_FUNCTION])
def test_interface(package, name, form):
    report, net = package(name, form), build_variant(name)
    states = net.state_spec(64, 64)
    description = read_spec(report.path).description
    half = description.input[0].type.multiArrayType.FLOAT16
    inputs = [*(port.name for port in net.interface.inputs), *(f"{state}_in" for state in states)]
    assert [entry.name for entry in description.input] == inputs
    wanted = [*(port.name for port in net.interface.outputs), *(f"{state}_out" for state in states)]
    assert [entry.name for entry in description.output] == wanted == list(report.outputs)
    for entry in (*description.input, *description.output):
        assert entry.type.multiArrayType.dataType == half
        assert entry.shortDescription
    size = description.input[0].type.multiArrayType.shape[2:]
    shapes = twin(net).state_spec(*size).values()
    for entry, shape in zip(description.input[len(net.interface.inputs) :], shapes, strict=True):
        assert tuple(entry.type.multiArrayType.shape) == (1, *shape)


@pytest.mark.parametrize("name", [*SOME_NETWORKS, *OTHERS])
def test_allowed_shapes(package, name):
    if not INTERFACES[name].any_size:
        pytest.skip("one size a package")
    frames = {
        form: read_spec(package(name, form).path).description.input[0].type.multiArrayType
        for form in ONE_FUNCTION
    }
    channels = INTERFACES[name].inputs[0].channels
    assert list(frames["fixed"].shape) == [1, channels, 64, 96]
    assert frames["fixed"].WhichOneof("ShapeFlexibility") is None
    sizes = [tuple(shape.shape) for shape in frames["enumerated"].enumeratedShapes.shapes]
    assert sorted(sizes) == [(1, channels, *size) for size in ((64, 64), (72, 128), (128, 128))]
    assert list(frames["enumerated"].shape) == [1, channels, 128, 128]
    bounds = [(side.lowerBound, side.upperBound) for side in frames["range"].shapeRange.sizeRanges]
    assert bounds == [(1, 1), (channels, channels), (64, 160), (64, 160)]
    assert list(frames["range"].shape) == [1, channels, 160, 160]


@pytest.mark.parametrize(("name", "form"), SOME_CASES)
def test_program_is_half_precision_throughout(package, name, form):
    report = package(name, form)
    assert report.fp32_ops == ()
    for function in read_program(report.path).functions.values():
        results = [result for operation in function.block.walk() for result in operation.outputs]
        assert all(result.type.dtype != "fp32" and len(result.type.shape) <= 5 for result in results)


@pytest.mark.parametrize("name", NETWORKS)
def test_fixed_program_has_nothing_that_only_the_cpu_runs(package, name):
    assert not CPU_ONLY & package(name, "fixed").ops.keys()


@pytest.mark.parametrize("name", NETWORKS)
def test_layer_norms_stay_whole_and_means_are_taken_by_axis(package, name):
    """A layer norm in parts squares in fp16; the plain sum of a 720p map is beyond its range."""
    spec = read_spec(package(name, "fixed").path)
    norms = str(build_variant(name)).count("LayerNorm2d")
    assert package(name, "fixed").ops.get("layer_norm", 0) == norms
    types = [operation.type for operation in operations(spec)]
    assert types.count("reduce_mean") % 2 == 0


def test_a_package_says_what_it_is(tmp_path):
    net = build("nafunet-lite", "tiny")
    checkpoint = checkpoints.save(
        tmp_path / "net.safetensors", net, step=7, provenance={"licence": "CC0-1.0"}
    )
    report = convert(checkpoint, tmp_path / "net.mlpackage", shapes="64")
    metadata = read_spec(report.path).description.metadata
    facts = dict(metadata.userDefined)
    assert metadata.license == "CC0-1.0"
    assert metadata.versionString == facts["vader.version"] == __version__
    assert metadata.author
    assert metadata.shortDescription
    assert facts["vader.network"] == "nafunet-lite"
    assert json.loads(facts["vader.spec"])["channels"] == net.spec.channels
    assert facts["vader.checkpoint_sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert facts["vader.step"] == "7"
    assert facts["vader.shapes"] == "64x64"
    assert facts["vader.stride"] == "8"


def test_weights_have_the_same_hash_from_a_file_and_from_memory(tmp_path):
    net = build("nafunet-lite", "tiny")
    checkpoint = checkpoints.save(tmp_path / "net.safetensors", net)
    for source, name in ((net, "memory"), (checkpoint, "file")):
        convert(source, tmp_path / f"{name}.mlpackage", shapes="64")
    specs = [read_spec(path) for path in tmp_path.glob("*.mlpackage")]
    hashes = {spec.description.metadata.userDefined["vader.weights_sha256"] for spec in specs}
    assert len(hashes) == 1


def test_report_serialises(package):
    report = package("nafunet-lite", "fixed")
    value = json.loads(json.dumps(report.as_dict()))
    assert value["shapes"] == "64x96"
    assert value["size_mib"] > 0
    assert value["ops"]["conv"] > 10


def test_nothing_is_printed(tmp_path, capfd):
    steps = []
    convert(build("nafunet-lite", "tiny"), tmp_path / "net.mlpackage", shapes="64", on_step=steps.append)
    assert capfd.readouterr() == ("", "")
    assert steps[0] == "reading the network"
    assert "checking 64x64" in steps


def test_an_existing_package_is_replaced(tmp_path):
    out = tmp_path / "net.mlpackage"
    for shapes in ("64", "72"):
        convert(build("nafunet-lite", "tiny"), out, shapes=shapes)
    assert read_spec(out).description.input[0].type.multiArrayType.shape[2] == 72
    assert [path.name for path in tmp_path.iterdir()] == ["net.mlpackage"]


def test_a_failed_conversion_leaves_the_old_package_and_nothing_else(tmp_path, monkeypatch):
    out = tmp_path / "net.mlpackage"
    convert(build("nafunet-lite", "tiny"), out, shapes="64")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    monkeypatch.setattr(
        "convert.coreml.read_spec", lambda path: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(VaderError, match="no space left"):
        convert(build("nafunet-lite", "tiny"), out, shapes="72")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["net.mlpackage"]


def test_what_core_ml_lacks_is_named(tmp_path):
    class Bessel(Network):
        interface = restoration(stride=8, mask=False)

        def restore(self, frames, state):
            return Restored(torch.special.bessel_j0(frames), None, {})

    with pytest.raises(VaderError, match="bessel_j0"):
        write_package(TwinSource("bessel", Bessel(), {}), tmp_path / "net.mlpackage", shapes="64")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shapes": "100"}, "multiples of 8"),
        ({"shapes": "huge"}, "not a frame size"),
        ({"target": "iOS9"}, "unknown target"),
        ({"out": "net.mlmodel"}, "no name for a package"),
        ({"out": "missing/net.mlpackage"}, "no folder"),
        ({"source": "missing.safetensors"}, "missing.safetensors"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_request_is_refused_with_a_hint(tmp_path, change, message):
    source = tmp_path / change["source"] if "source" in change else build("nafunet-lite", "tiny")
    options = {key: value for key, value in change.items() if key in ("shapes", "target")}
    with pytest.raises(VaderError, match=message) as caught:
        convert(source, tmp_path / change.get("out", "net.mlpackage"), **options)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_package_is_not_replaced(tmp_path):
    out = tmp_path / "holiday.mlpackage"
    out.mkdir()
    with pytest.raises(UsageError, match="not a Core ML package"):
        convert(build("nafunet-lite", "tiny"), out, shapes="64")
