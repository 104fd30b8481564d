"""What a package takes and gives, as Swift has to know it: functions, frames, masks, states."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from convert.facts import PackageFacts
from convert.package import read_spec
from convert.tracing import state_input, state_name, state_output
from mlx_vader.errors import VaderError
from mlx_vader.interface import Interface, Port

#: Specification version → the oldest iOS and macOS. Asynchronous predictions came with iOS 17.
_SYSTEMS = {7: ("17.0", "14.0"), 8: ("17.0", "14.0"), 9: ("18.0", "15.0"), 10: ("26.0", "26.0")}
_FLOATS = {65552: "float16", 65568: "float32", 65600: "double", 131104: "int32"}


@dataclass(frozen=True)
class SwiftPort:
    """An input or output. `dtype` is an array's; images are 8 bits, grayscale ones may be half floats."""

    name: str
    kind: Literal["image", "array"]
    shape: tuple[int, ...]
    dtype: str = "float16"


@dataclass(frozen=True)
class SwiftFunction:
    """A function. `carried`: pairs of a state's input and the name of the output that is its next value."""

    name: str
    frames: SwiftPort
    hint: SwiftPort | None
    restored: SwiftPort
    mask: SwiftPort | None
    carried: tuple[tuple[SwiftPort, str], ...]
    states: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its frames."""
        return self.frames.shape[-2], self.frames.shape[-1]


@dataclass(frozen=True)
class SwiftPackage:
    """A package. `several`: whether functions are chosen by name."""

    package: Path
    functions: tuple[SwiftFunction, ...]
    default: int
    ios: str
    macos: str
    several: bool


def read_interface(package: Path) -> SwiftPackage:
    """Reads a package. Raises `VaderError` where it is not one that restores frames."""
    spec = read_spec(package)
    description = spec.description
    several = bool(description.functions)
    entries = list(description.functions) or [description]
    names = [entry.name if several else "main" for entry in entries]
    metadata = dict(description.metadata.userDefined)
    ports = _ports(PackageFacts.read(package).interface, package) if "vader.network" in metadata else None
    functions = tuple(
        _function(package, name, entry, ports) for name, entry in zip(names, entries, strict=True)
    )
    default = description.defaultFunctionName
    newest = max(_SYSTEMS)
    ios, macos = _SYSTEMS.get(
        spec.specificationVersion, _SYSTEMS[newest if spec.specificationVersion > newest else 7]
    )
    return SwiftPackage(
        package, functions, names.index(default) if default in names else 0, ios, macos, several
    )


class _Names(NamedTuple):
    """The ports of restoration by name; "" for what the package does not have."""

    frames: str
    hint: str
    restored: str
    mask: str


def _ports(interface: Interface, package: Path) -> _Names:
    """Of a package whose interface is known."""
    if not interface.restores:
        raise _refused(package, interface.inputs)
    ports = interface.restoration()
    return _Names(*(port.name if port else "" for port in ports))


def _guessed(package: Path, inputs: Sequence[SwiftPort], outputs: Sequence[SwiftPort]) -> _Names:
    """Of somebody else's package: one picture in, the first picture and the first single channel out."""
    if len(inputs) != 1 or not _is_picture(inputs[0]):
        raise _refused(package, inputs)
    restored = next((port.name for port in outputs if _is_picture(port)), "")
    mask = next((port.name for port in outputs if len(port.shape) == 4 and port.shape[1] == 1), "")
    return _Names(inputs[0].name, "", restored, mask)


def _refused(package: Path, inputs: Iterable[SwiftPort | Port]) -> VaderError:
    return VaderError(
        f"{package} does not take frames alone and restore them: {', '.join(port.name for port in inputs)}",
        hint="make one with: vader-mlx convert --to coreml",
    )


def _function(package: Path, name: str, entry: Any, names: _Names | None) -> SwiftFunction:
    inputs = {feature.name: _port(package, feature) for feature in entry.input}
    outputs = {feature.name: _port(package, feature) for feature in entry.output}
    carried = {
        state_input(stem): state_output(stem)
        for stem in map(state_name, inputs)
        if state_input(stem) in inputs and state_output(stem) in outputs
    }
    names = names or _guessed(
        package,
        [port for port in inputs.values() if port.name not in carried],
        [port for port in outputs.values() if port.name not in carried.values()],
    )
    restored = outputs.get(names.restored)
    if restored is None:
        raise VaderError(f"{package} gives no frames", hint="make one with: vader-mlx convert --to coreml")
    return SwiftFunction(
        name,
        inputs[names.frames],
        inputs.get(names.hint),
        _as_large_as(restored, inputs[names.frames]),
        outputs.get(names.mask),
        tuple((inputs[given], output) for given, output in carried.items()),
        tuple(feature.name for feature in entry.state),
    )


def _port(package: Path, feature: Any) -> SwiftPort:
    kind = feature.type.WhichOneof("Type")
    if kind == "imageType":
        image = feature.type.imageType
        colour = image.ColorSpace.Name(image.colorSpace)
        channels = 1 if colour.startswith("GRAYSCALE") else 3
        return SwiftPort(feature.name, "image", (1, channels, int(image.height), int(image.width)))
    if kind != "multiArrayType":
        raise VaderError(f"{package}: {feature.name} is a {kind}", hint="arrays and images can be wrapped")
    array = feature.type.multiArrayType
    return SwiftPort(
        feature.name, "array", tuple(map(int, array.shape)), _FLOATS.get(array.dataType, "float32")
    )


def _as_large_as(restored: SwiftPort, frames: SwiftPort) -> SwiftPort:
    """Flexible packages do not say what their outputs measure: a restored frame is as large as the frame."""
    return (
        restored if restored.shape else SwiftPort(restored.name, restored.kind, frames.shape, restored.dtype)
    )


def _is_picture(port: SwiftPort) -> bool:
    return not port.shape or (len(port.shape) == 4 and port.shape[1] == 3)
