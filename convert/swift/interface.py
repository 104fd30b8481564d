"""What a package takes and gives, as Swift has to know it: functions, frames, masks, states."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from convert.package import read_spec
from convert.tracing import HINT
from mlx_vader.errors import VaderError

#: Specification version → the oldest iOS and macOS. Asynchronous predictions came with iOS 17.
_SYSTEMS = {7: ("17.0", "14.0"), 8: ("17.0", "14.0"), 9: ("18.0", "15.0"), 10: ("26.0", "26.0")}
_FLOATS = {65552: "float16", 65568: "float32", 65600: "double", 131104: "int32"}


@dataclass(frozen=True)
class Port:
    """An input or output. `dtype` is an array's; images are 8 bits, grayscale ones may be half floats."""

    name: str
    kind: Literal["image", "array"]
    shape: tuple[int, ...]
    dtype: str = "float16"


@dataclass(frozen=True)
class SwiftFunction:
    """A function. `carried`: pairs of a state's input and the name of the output that is its next value."""

    name: str
    frames: Port
    hint: Port | None
    restored: Port
    mask: Port | None
    carried: tuple[tuple[Port, str], ...]
    states: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its frames."""
        return self.frames.shape[-2], self.frames.shape[-1]


@dataclass(frozen=True)
class Interface:
    """A package. `several`: whether functions are chosen by name."""

    package: Path
    functions: tuple[SwiftFunction, ...]
    default: int
    ios: str
    macos: str
    several: bool

    @property
    def module(self) -> str:
        """A Swift identifier from the package's name."""
        words = re.findall(r"[A-Za-z0-9]+", self.package.stem)
        name = "".join(word[0].upper() + word[1:] for word in words)
        return name if name[:1].isalpha() else f"Vader{name}"


def interface(package: Path) -> Interface:
    """Reads a package. Raises `VaderError` where it is not one that restores frames."""
    spec = read_spec(package)
    description = spec.description
    several = bool(description.functions)
    entries = list(description.functions) or [description]
    names = [entry.name if several else "main" for entry in entries]
    functions = tuple(_function(package, name, entry) for name, entry in zip(names, entries, strict=True))
    default = description.defaultFunctionName
    newest = max(_SYSTEMS)
    ios, macos = _SYSTEMS.get(
        spec.specificationVersion, _SYSTEMS[newest if spec.specificationVersion > newest else 7]
    )
    return Interface(package, functions, names.index(default) if default in names else 0, ios, macos, several)


def _function(package: Path, name: str, entry: Any) -> SwiftFunction:
    inputs = {feature.name: _port(package, feature) for feature in entry.input}
    outputs = {feature.name: _port(package, feature) for feature in entry.output}
    carried = tuple(
        (port, f"{stem}_out")
        for port in inputs.values()
        if (stem := port.name.removesuffix("_in")) != port.name and f"{stem}_out" in outputs
    )
    hint = inputs.pop(HINT, None)
    left = [port for port in inputs.values() if port not in [pair[0] for pair in carried]]
    if len(left) != 1 or not _is_picture(left[0]):
        raise VaderError(
            f"{package} does not take frames alone: {', '.join(inputs)}",
            hint="make one with: vader-mlx convert --to coreml",
        )
    results = [port for port in outputs.values() if port.name not in [pair[1] for pair in carried]]
    restored = next((port for port in results if port.name == "restored"), None)
    restored = restored or next((port for port in results if _is_picture(port)), None)
    if restored is None:
        raise VaderError(f"{package} gives no frames", hint="make one with: vader-mlx convert --to coreml")
    mask = next((port for port in results if port.name == "mask"), None)
    states = tuple(feature.name for feature in entry.state)
    return SwiftFunction(name, left[0], hint, _as_large_as(restored, left[0]), mask, carried, states)


def _port(package: Path, feature: Any) -> Port:
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType":
        image = feature.type.imageType
        colour = image.ColorSpace.Name(image.colorSpace)
        channels = 1 if colour.startswith("GRAYSCALE") else 3
        return Port(feature.name, "image", (1, channels, int(image.height), int(image.width)))
    if kind != "multiArrayType":
        raise VaderError(f"{package}: {feature.name} is a {kind}", hint="arrays and images can be wrapped")
    array = feature.type.multiArrayType
    return Port(feature.name, "array", tuple(map(int, array.shape)), _FLOATS.get(array.dataType, "float32"))


def _as_large_as(restored: Port, frames: Port) -> Port:
    """Flexible packages do not say what their outputs measure: a restored frame is as large as the frame."""
    return restored if restored.shape else Port(restored.name, restored.kind, frames.shape, restored.dtype)


def _is_picture(port: Port) -> bool:
    return port.kind == "image" or not port.shape or (len(port.shape) == 4 and port.shape[1] == 3)
