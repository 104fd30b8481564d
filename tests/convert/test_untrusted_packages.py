"""Packages that others made, or that broke on the way, are read or refused in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from convert import ane
from convert.coreml import write_package
from convert.emulator import EmulatedModel
from convert.facts import PackageFacts
from convert.package import read_spec, write_spec
from convert.program import read_program
from convert.source import open_source
from mlx_vader.backends import load_backend
from mlx_vader.errors import VaderError
from tests.models.variants import build_variant
from tests.mutation import changed, changed_text, counts, damaged, refused_or_read

MODEL = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package in order."""
    path = tmp_path_factory.mktemp("whole") / "net.mlpackage"
    write_package(open_source(build_variant("realtime")), path, shapes="32")
    return path


@pytest.fixture
def package(whole: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(whole, tmp_path / "net.mlpackage"))


def use(package: Path) -> None:
    """What every command that takes a package does with it."""
    facts = PackageFacts.read(package)
    ane.inspect(package, [ane.chip("m4")])
    model = EmulatedModel(package)
    assert facts.interface.restores
    model.predict({feature.name: np.zeros(feature.shape, np.float16) for feature in model.inputs})


def test_the_package_is_in_order(package: Path) -> None:
    use(package)


# The folder


def _manifest(**changes: Any) -> Callable[[Path], object]:
    def write(package: Path) -> None:
        file = package / "Manifest.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return write


def _at(path: str) -> Callable[[Path], object]:
    return _manifest(rootModelIdentifier="a", itemInfoEntries={"a": {"path": path}})


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        (lambda package: (package / "Manifest.json").write_text("{"), "manifest .* JSON"),
        (lambda package: (package / "Manifest.json").write_bytes(b""), "manifest .* JSON"),
        (lambda package: (package / "Manifest.json").write_bytes(b"\xff\xfe{"), "manifest .* is damaged"),
        (lambda package: (package / "Manifest.json").write_text("[]"), "manifest .* object"),
        (_manifest(fileFormatVersion="9.0.0"), "version '9.0.0'"),
        (_manifest(fileFormatVersion=1), "fileFormatVersion"),
        (_manifest(rootModelIdentifier="nobody"), "names no model"),
        (_manifest(itemInfoEntries={}), "names no model"),
        (_manifest(itemInfoEntries=None), "itemInfoEntries"),
        (_at("../../../etc/passwd"), "outside itself"),
        (_at("/etc/passwd"), "outside itself"),
        (_at("com.apple.CoreML/../../Manifest.json"), "outside itself"),
        (_at(""), "outside itself"),
        (_at("nothing.mlmodel"), "No such file"),
        (_at("com.apple.CoreML"), "Is a directory"),
        (lambda package: (package / MODEL).unlink(), "No such file"),
        (lambda package: (package / MODEL).write_bytes(b""), "holds nothing"),
        (lambda package: (package / MODEL).write_bytes(b"\x08"), "damaged or truncated"),
        (lambda package: (package / MODEL).write_bytes((package / MODEL).read_bytes()[:-9]), "truncated"),
        (lambda package: (package / WEIGHTS).unlink(), "no readable weight file"),
        (lambda package: (package / WEIGHTS).write_bytes(b""), "no readable weight file"),
        (lambda package: (package / WEIGHTS).write_bytes(bytes(9)), "damaged or truncated"),
    ],
)
def test_a_broken_folder_is_refused(package: Path, breaks: Callable[[Path], object], reason: str) -> None:
    breaks(package)
    with pytest.raises(VaderError, match=reason) as caught:
        use(package)
    assert caught.value.hint


# What it says of itself


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"vader.spec": "{"}, r"vader\.spec"),
        ({"vader.spec": "7"}, r"vader\.spec"),
        ({"vader.stride": "three"}, r"vader\.stride"),
        ({"vader.stride": "8"}, r"vader\.stride"),
        ({"vader.window": "-1"}, r"vader\.window"),
        ({"vader.interface": "null"}, "no interface"),
        ({"vader.shapes": ""}, "its sizes"),
        ({"vader.shapes": "wide"}, "its sizes"),
        ({"vader.shapes": "33"}, "its sizes"),
        ({"vader.shapes": "99999999999x32"}, "its sizes"),
        ({"vader.functions": "[]"}, r"vader\.functions"),
        ({"vader.functions": '{"other": "32x32"}'}, "no function 'other'"),
        ({"vader.functions": '{"main": 32}'}, r"vader\.functions"),
    ],
)
def test_facts_that_cannot_be_are_refused(package: Path, facts: dict[str, str], reason: str) -> None:
    spec = read_spec(package)
    spec.description.metadata.userDefined.update(facts)
    write_spec(package, spec)
    with pytest.raises(VaderError, match=reason):
        load_backend("coreml", package)


def test_an_interface_of_other_ports_is_refused(package: Path) -> None:
    spec = read_spec(package)
    metadata = spec.description.metadata.userDefined
    metadata["vader.interface"] = metadata["vader.interface"].replace('"hidden"', '"memory"')
    write_spec(package, spec)
    with pytest.raises(VaderError, match="no input 'memory_in'"):
        load_backend("coreml", package)


# Its program


def _main(spec: Any) -> Any:
    (function,) = spec.mlProgram.functions.values()
    (block,) = function.block_specializations.values()
    return block


def _without(kind: str) -> Callable[[Any], object]:
    def remove(spec: Any) -> None:
        operations = _main(spec).operations
        del operations[next(at for at, operation in enumerate(operations) if operation.type == kind)]

    return remove


def _weight(spec: Any) -> Any:
    return next(
        operation
        for operation in _main(spec).operations
        if "val" in operation.attributes and operation.attributes["val"].HasField("blobFileValue")
    )


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        (_without("conv"), "which nothing gives"),
        (_without("const"), "which nothing gives"),
        (lambda spec: spec.mlProgram.functions.clear(), "no functions"),
        (lambda spec: _main(spec).Clear(), "not describe its program"),
        (lambda spec: _main(spec).outputs.append("nobody"), "'nobody', which no operation makes"),
        (lambda spec: _main(spec).operations[0].attributes.clear(), "holds no value"),
        (lambda spec: _main(spec).operations[0].outputs[0].type.Clear(), "without a type"),
        (
            lambda spec: setattr(
                _weight(spec).attributes["val"].blobFileValue, "fileName", "@model_path/../../x"
            ),
            "outside itself",
        ),
        (
            lambda spec: setattr(_weight(spec).attributes["val"].blobFileValue, "offset", 2**60),
            "damaged or truncated",
        ),
        (
            lambda spec: setattr(
                _weight(spec).outputs[0].type.tensorType.dimensions[0].constant, "size", 2**50
            ),
            "numbers",
        ),
        (lambda spec: setattr(spec.description.input[0], "name", "sound"), "'sound'|no input"),
    ],
)
def test_a_program_with_a_hole_is_refused(
    package: Path, breaks: Callable[[Any], object], reason: str
) -> None:
    spec = read_spec(package)
    breaks(spec)
    write_spec(package, spec)
    with pytest.raises(VaderError, match=reason) as caught:
        use(package)
    assert caught.value.hint


def test_weights_that_are_not_finite_are_refused_by_name(package: Path) -> None:
    function = read_program(package).function()
    kernel = next(operation for operation in function.block.operations if operation.type == "conv")
    held = next(o for o in function.block.operations if o.outputs[0].name == kernel.inputs["weight"][0])
    raw = held.attributes["val"].value.tobytes()
    content = (package / WEIGHTS).read_bytes()
    nans = np.full(len(raw) // 2, np.nan, np.float16).tobytes()
    (package / WEIGHTS).write_bytes(content.replace(raw, nans))
    with pytest.raises(VaderError, match=f"not finite.*{kernel.name}"):
        EmulatedModel(package)


def _changed_program(data: st.DataObject, spec: Any) -> None:
    """An operation is gone, doubled, renamed, or one of its inputs or sizes is another's."""
    operations = _main(spec).operations
    operation, other = (operations[data.draw(st.integers(0, len(operations) - 1))] for _ in range(2))
    match data.draw(st.sampled_from(["remove", "type", "inputs", "result", "value", "attributes"])):
        case "remove":
            operations.remove(operation)
        case "type":
            operation.type = other.type
        case "inputs":
            operation.inputs.clear()
            for name, argument in other.inputs.items():
                operation.inputs[name].CopyFrom(argument)
        case "result":
            operation.outputs[0].type.CopyFrom(other.outputs[0].type)
        case "value":
            operation.attributes["val"].CopyFrom(other.attributes["val"])
        case "attributes":
            operation.attributes.clear()


@pytest.mark.parametrize("count", counts(60))
@pytest.mark.parametrize("part", ["manifest", "facts", "model", "weights", "program"])
def test_mutated_packages(whole: Path, package: Path, part: str, count: int) -> None:
    def door(data: st.DataObject) -> None:
        for file in ("Manifest.json", MODEL, WEIGHTS):
            shutil.copyfile(whole / file, package / file)
        spec = read_spec(package)
        match part:
            case "manifest":
                text = (whole / "Manifest.json").read_text()
                (package / "Manifest.json").write_text(data.draw(changed_text(text)))
            case "facts":
                metadata = spec.description.metadata.userDefined
                key = data.draw(st.sampled_from(sorted(metadata)))
                try:
                    metadata[key] = json.dumps(data.draw(changed(json.loads(metadata[key]))))
                except ValueError:
                    metadata[key] = data.draw(st.text())
                write_spec(package, spec)
            case "program":
                _changed_program(data, spec)
                write_spec(package, spec)
            case _:
                file = MODEL if part == "model" else WEIGHTS
                (package / file).write_bytes(data.draw(damaged((whole / file).read_bytes())))
        use(package)

    refused_or_read(count, door)
