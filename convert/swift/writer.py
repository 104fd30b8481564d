"""Writes the Swift package: templates filled with what the interface of a Core ML package says."""

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from convert.swift.interface import SwiftFunction, SwiftPackage, SwiftPort, read_interface
from convert.swift.module import module_name
from mlx_vader.errors import UsageError
from mlx_vader.overwriting import check_overwriting
from mlx_vader.versions import VERSION

_TEMPLATES = Path(__file__).parent / "templates"
_SOURCES = (
    "RestorerModel.swift",
    "RestorerError.swift",
    "FrameRestorer.swift",
    "RecurrentModel.swift",
    "VideoComposition.swift",
    "ModelStore.swift",
    "PixelBuffers.swift",
    "Half.swift",
)
#: What only a package whose network takes a hint has.
_HINT_SOURCES = ("Hint.swift",)
#: Stands in each `Package.swift`: a folder without it holds somebody's own package.
_MARK = "// Written by vader-mlx"
_SECTION = re.compile(r"^\{\{([#^])(\w+)\}\}\n(.*?)^\{\{/\2\}\}\n", re.DOTALL | re.MULTILINE)


def write_swift_package(package: Path, folder: Path) -> list[Path]:
    """Writes a Swift package around an `.mlpackage` to `folder`, with a copy of it, and returns the files written.

    It wraps packages that restore frames: images or arrays, one size or a function for each, states of Core ML's own
    or as inputs and outputs. Its module is `module_name(folder)`. Raises `UsageError` when the folder holds something
    else, `VaderError` for other packages.
    """
    check_folder(folder)
    found, module = read_interface(package), module_name(folder)
    sources = folder / "Sources" / module
    resource = sources / "Resources" / package.name
    check_overwriting([package], [], replaced_folders=[resource])
    values, flags = _values(found, module), _flags(found)
    files = {
        folder / "Package.swift": "Package.swift",
        folder / "Example" / "ExampleApp.swift": "ExampleApp.swift",
    }
    files |= {sources / name: name for name in (*_SOURCES, *(_HINT_SOURCES if flags["hint"] else ()))}
    for path, name in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            render((_TEMPLATES / name).read_text(encoding="utf-8"), values, flags), encoding="utf-8"
        )
    # The model of a former package too: its name may have been another.
    if resource.parent.exists():
        shutil.rmtree(resource.parent)
    shutil.copytree(package, resource)
    return [*files, resource]


def check_folder(folder: Path) -> None:
    """Raises `UsageError` where no Swift package can be written or something else would be overwritten."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="name a folder for the Swift package")
    manifest = folder / "Package.swift"
    ours = manifest.is_file() and _MARK in manifest.read_text(encoding="utf-8", errors="replace")
    if folder.exists() and any(folder.iterdir()) and not ours:
        raise UsageError(
            f"{folder} is not empty and holds no Swift package of vader-mlx", hint="choose another folder"
        )


def render(template: str, values: Mapping[str, str], flags: Mapping[str, bool]) -> str:
    """Fills `{{name}}`, keeps the lines between `{{#flag}}` and `{{/flag}}` where it is set, `{{^flag}}` where not."""

    def section(match: re.Match[str]) -> str:
        wanted = flags[match[2]] == (match[1] == "#")
        return _SECTION.sub(section, match[3]) if wanted else ""

    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], _SECTION.sub(section, template))


def literal(text: str) -> str:
    """A Swift string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _flags(found: SwiftPackage) -> dict[str, bool]:
    return {
        "functions": found.several,
        "states": any(function.states for function in found.functions),
        "carried": any(function.carried for function in found.functions),
        "hint": any(function.hint for function in found.functions),
    }


def _values(found: SwiftPackage, module: str) -> dict[str, str]:
    name = found.package.name
    return {
        "version": VERSION,
        # In comments, which a line break would end.
        "package": " ".join(name.split()),
        "module": module,
        "module_literal": literal(module),
        "package_literal": literal(found.package.stem),
        "resource_literal": literal(f"Resources/{name}"),
        "fingerprint_literal": literal(fingerprint(found.package)),
        "ios_literal": literal(found.ios),
        "macos_literal": literal(found.macos),
        "functions_list": ",\n".join(_function(function) for function in found.functions),
        "default_index": str(found.default),
    }


def fingerprint(package: Path) -> str:
    """Of every file of a package: the same for the same content."""
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        if file.is_file():
            digest.update(file.relative_to(package).as_posix().encode())
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]


def _function(function: SwiftFunction) -> str:
    height, width = function.size
    mask = _port(function.mask) if function.mask else "nil"
    pairs = [f"Carried(input: {_port(port)}, output: {literal(output)})" for port, output in function.carried]
    carried = "".join(f"\n{' ' * 16}{pair}," for pair in pairs) + (f"\n{' ' * 12}" if pairs else "")
    lines = [
        f"name: {literal(function.name)}, height: {height}, width: {width}",
        f"frames: {_port(function.frames)}",
        f"hint: {_port(function.hint) if function.hint else 'nil'}",
        f"restored: {_port(function.restored)}",
        f"mask: {mask}",
        f"carried: [{carried}]",
        f"states: [{', '.join(map(literal, function.states))}]",
    ]
    inner = ",\n".join(" " * 12 + line for line in lines)
    return f"{' ' * 8}Function(\n{inner}\n{' ' * 8})"


def _port(port: SwiftPort) -> str:
    shape = ", ".join(map(str, port.shape))
    return f"Port(name: {literal(port.name)}, kind: .{port.kind}, shape: [{shape}], dataType: .{port.dtype})"
