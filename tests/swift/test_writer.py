"""The Swift package: what it says is what the package's specification says, and its text holds together."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tree_sitter_swift
from tree_sitter import Language, Parser

from convert.coreml import open_source, write_package
from convert.package import read_spec
from convert.quiet import quiet
from convert.swift import check_folder, module_name, write_swift_package
from convert.swift.writer import literal, render
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.models.registry import build
from tests.ane import packages

with quiet():
    import coremltools as ct


@pytest.fixture(scope="module")
def forms(tmp_path_factory) -> dict[str, Path]:
    """A package of every form that `convert` writes."""
    folder = tmp_path_factory.mktemp("forms")
    return {
        "arrays": packages.of_frames(folder, 64, "net 2x"),
        "functions": packages.of_sizes(folder, (64, 128)),
        "images": _images_with_state(folder),
        "open": packages.of_open_sizes(folder),
        "hinted": _hinted(folder),
    }


def _hinted(folder: Path) -> Path:
    """A network that takes a hint."""
    path = folder / "hinted.mlpackage"
    write_package(open_source(build("realtime", "tiny")), path, shapes="64")
    return path


def _images_with_state(folder: Path) -> Path:
    """Images in and out, and a native state."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("memory", torch.zeros(1, 3, 64, 96))

        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            self.memory.add_(frames)
            return self.memory * 2.0

    with quiet():
        model = ct.convert(
            torch.jit.trace(Net().eval(), torch.zeros(1, 3, 64, 96)),
            inputs=[ct.ImageType("frames", (1, 3, 64, 96), color_layout=ct.colorlayout.RGB)],
            outputs=[ct.ImageType("restored", color_layout=ct.colorlayout.RGB)],
            states=[ct.StateType(ct.TensorType(shape=(1, 3, 64, 96), dtype=np.float16), "memory")],
            minimum_deployment_target=ct.target.iOS18,
            skip_model_load=True,
        )
        path = folder / "images.mlpackage"
        model.save(str(path))
    return path


FORMS = ("arrays", "functions", "images", "open", "hinted")


def written(package: Path, folder: Path) -> tuple[dict[str, str], list[Path]]:
    files = write_swift_package(package, folder)
    return {file.name: file.read_text(encoding="utf-8") for file in files if file.is_file()}, files


@pytest.mark.parametrize("form", FORMS)
def test_names_are_those_of_the_specification(form, forms, tmp_path) -> None:
    text, files = written(forms[form], tmp_path / "Out")
    description = read_spec(forms[form]).description
    entries = list(description.functions) or [description]
    said = text["RestorerModel.swift"]
    for entry in entries:
        for feature in (*entry.input, *entry.output, *entry.state):
            assert f'"{feature.name}"' in said, feature.name
        for feature in entry.input:
            kind = feature.type.WhichOneof("Type").removesuffix("Type").replace("multiArray", "array")
            assert f'Port(name: "{feature.name}", kind: .{kind}' in said
    assert said.count("Function(\n") == len(entries)
    assert files[-1].is_dir()
    assert (files[-1] / "Manifest.json").read_bytes() == (forms[form] / "Manifest.json").read_bytes()
    assert files[-1].relative_to(files[-1].parents[1]).as_posix() in text["Package.swift"]


@pytest.mark.parametrize("form", FORMS)
def test_only_what_the_package_needs_is_written(form, forms, tmp_path) -> None:
    text, _ = written(forms[form], tmp_path)
    model = text["RecurrentModel.swift"]
    assert ("makeState()" in model) == (form == "images")
    assert ("using: state" in model) == (form == "images")
    assert ("options: MLPredictionOptions()" in model) == (form != "images")
    assert ("configuration.functionName" in model) == (form == "functions")
    assert ("memory[carried" in model) == (form in ("arrays", "functions", "hinted"))
    assert ("Hint.swift" in text) == (form == "hinted")
    assert any("hint:" in of for name, of in text.items() if name != "RestorerModel.swift") == (
        form == "hinted"
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_file_is_swift(form, forms, tmp_path) -> None:
    for name, text in written(forms[form], tmp_path)[0].items():
        assert "{{" not in text, name
        assert not re.search(r"[ \t]$", text, re.MULTILINE), name
        assert not list(mistakes(text)), name


def mistakes(text: str) -> Iterator[str]:
    """The lines that are no Swift, as its grammar for tree-sitter has it."""
    tree = Parser(Language(tree_sitter_swift.language())).parse(text.encode())
    nodes = [tree.root_node]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            yield text.splitlines()[node.start_point.row]
        nodes += node.children


def test_what_is_no_swift_is_found() -> None:
    assert list(mistakes("struct A {\n    let x: = 1\n}\n"))


def test_half_precision_is_named_for_apple_silicon_alone(forms, tmp_path) -> None:
    """`Float16` does not exist on Intel Macs, for which an archive is built too."""
    text, _ = written(forms["hinted"], tmp_path)
    for name, of in text.items():
        for_all = re.sub(r"^#if arch\(arm64\)\n.*?^#else\n", "", of, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"\bFloat16\b", re.sub(r"//[^\n]*", "", for_all)), name


def test_public_names_are_the_packages_own(forms, tmp_path) -> None:
    text, _ = written(forms["hinted"], tmp_path)
    found = set()
    for name, of in text.items():
        if name != "Package.swift":
            found |= set(
                re.findall(
                    r"^public (?:final )?(?:actor|class|enum|struct|typealias) (\w+)", of, re.MULTILINE
                )
            )
    assert found == {"FrameRestorer", "RestoredFrame", "RestorerError", "RestorerModel"}


def test_sizes_and_the_default(forms, tmp_path) -> None:
    text, _ = written(forms["functions"], tmp_path)
    said = text["RestorerModel.swift"]
    names = re.findall(r'name: "(size_\d+x\d+)", height: (\d+), width: (\d+)', said)
    assert sorted(names) == [("size_128x128", "128", "128"), ("size_64x64", "64", "64")]
    default = int(re.search(r"defaultFunction = functions\[(\d+)\]", said)[1])
    assert names[default][0] == "size_128x128"
    assert '.iOS("18.0"), .macCatalyst("18.0"), .macOS("15.0")' in text["Package.swift"]


def test_the_module_is_named_after_the_folder(forms, tmp_path) -> None:
    text, files = written(forms["arrays"], tmp_path / "my restorer-2x")
    assert "import MyRestorer2x\n" in text["ExampleApp.swift"]
    assert 'name: "MyRestorer2x"' in text["Package.swift"]
    assert all("Sources/MyRestorer2x" in file.as_posix() for file in files if "Sources" in file.parts)


@pytest.mark.parametrize(
    ("folder", "module"),
    [
        ("App", "AppPackage"),
        ("out/core-ML", "CoreMLPackage"),
        ("FrameRestorer", "FrameRestorerPackage"),
        ("2x", "Vader2x"),
        ("ÄÖ", "Vader"),
        ("VaderSwift", "VaderSwift"),
    ],
)
def test_a_module_hides_no_name_of_an_app(folder, module) -> None:
    assert module_name(Path(folder)) == module


def test_writing_again_replaces(forms, tmp_path) -> None:
    first, _ = written(forms["images"], tmp_path)
    assert written(forms["images"], tmp_path)[0] == first


def test_the_model_of_a_former_package_does_not_stay(forms, tmp_path) -> None:
    written(forms["arrays"], tmp_path)
    files = written(forms["images"], tmp_path)[1]
    assert [path.name for path in files[-1].parent.iterdir()] == ["images.mlpackage"]


def test_text_is_escaped() -> None:
    assert literal('a"b\\(c)\n') == '"a\\"b\\\\(c)\\n"'


def test_sections_nest_and_invert() -> None:
    template = "{{#a}}\none {{x}}\n{{^b}}\ntwo\n{{/b}}\n{{/a}}\n{{^a}}\nthree\n{{/a}}\n"
    assert render(template, {"x": "1"}, {"a": True, "b": False}) == "one 1\ntwo\n"
    assert render(template, {"x": "1"}, {"a": False, "b": True}) == "three\n"


def test_what_cannot_be_wrapped_is_refused(tmp_path) -> None:
    with pytest.raises(VaderError, match="does not take frames"):
        write_swift_package(packages.of_convolutions(tmp_path, 4), tmp_path / "Out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds no Swift package"):
        check_folder(tmp_path / "full")
    (tmp_path / "own").mkdir()
    manifest = tmp_path / "own" / "Package.swift"
    manifest.write_text("// swift-tools-version: 6.0\n")
    with pytest.raises(UsageError, match="holds no Swift package of vader-mlx"):
        write_swift_package(packages.of_frames(tmp_path, 32, "net"), manifest.parent)
    with pytest.raises(UsageError, match="is a file"):
        check_folder(manifest)
    assert manifest.read_text() == "// swift-tools-version: 6.0\n"


@pytest.mark.apple
@pytest.mark.parametrize("form", FORMS)
def test_swift_builds_it(form, forms, tmp_path) -> None:
    swift = shutil.which("swift")
    if swift is None:
        pytest.skip("no Swift compiler")
    write_swift_package(forms[form], tmp_path)
    done = subprocess.run(
        [swift, "build"], cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_copy_within_a_swift_package_is_not_replaced_by_itself(forms, tmp_path):
    copy = write_swift_package(forms["arrays"], tmp_path)[-1]
    with pytest.raises(UsageError, match="overwritten"):
        write_swift_package(copy, tmp_path)
    assert (copy / "Manifest.json").is_file()
