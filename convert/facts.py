"""What a package says of itself, read from its metadata (`convert.metadata`)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.manifest import COPY_AGAIN
from convert.package import read_spec
from convert.shapes import Shapes, Size, parse_shapes
from convert.tracing import state_input, state_output
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.interface import Interface
from mlx_vader.untrusted import parse_json

#: Pixels of a side: the largest texture that Metal has.
MOST_SIDE = 16384


@dataclass(frozen=True)
class PackageFacts:
    """`functions`: name by size, empty for a package of one function. `images`: frames are 8-bit pixels.

    `stateful`: it keeps its memory itself. `compressed`: weights take fewer bits.
    """

    interface: Interface
    shapes: Shapes
    functions: dict[Size, str]
    images: bool = False
    stateful: bool = False
    compressed: bool = False
    network: str = ""
    spec: dict[str, Any] | None = None

    @classmethod
    def read(cls, package: Path) -> "PackageFacts":
        """Of a package's file. Raises VaderError for one that is missing, damaged or somebody else's."""
        spec = read_spec(package)
        facts = cls.of(dict(spec.description.metadata.userDefined), str(package))
        facts.check(spec.description, package)
        return facts

    @classmethod
    def of(cls, metadata: dict[str, str], package: str = "this package") -> "PackageFacts":
        """From a package's metadata. Raises VaderError for a package that is damaged or that somebody else made."""
        if "vader.network" not in metadata:
            raise VaderError(
                f"{package} was not made by vader-mlx",
                hint="vader-mlx convert makes packages; vader-mlx run runs anybody's",
            )

        def stated(key: str, kind: Any, default: str = "") -> Any:
            return parse_json(
                metadata.get(key, default), kind, f"{package} is damaged: its {key}", COPY_AGAIN
            )

        network, spec = metadata["vader.network"], stated("vader.spec", dict[str, Any])
        interface = _interface(metadata, network, package)
        for key, value in (("vader.stride", interface.stride), ("vader.window", interface.window)):
            if stated(key, int, str(value)) != value:
                raise VaderError(
                    f"{package} is damaged: its {key} is not its interface's {value}", COPY_AGAIN
                )
        functions = stated("vader.functions", dict[str, str], "{}")
        return cls(
            interface,
            _shapes(metadata.get("vader.shapes", ""), interface.stride, package),
            {_shapes(size, interface.stride, package).default: name for name, size in functions.items()},
            metadata.get("vader.io") == "image",
            bool(functions),
            metadata.get("vader.compress", "none") != "none",
            network,
            spec,
        )

    def check(self, description: Any, package: Path) -> None:
        """Raises VaderError where the package's functions do not take and give what they are said to."""
        entries = list(description.functions) or [description]
        has = {
            "function": {entry.name for entry in description.functions},
            "input": _in_all([entry.input for entry in entries]),
            "output": _in_all([entry.output for entry in entries]),
            "state": _in_all([entry.state for entry in entries]),
        }
        states = [port.name for port in self.interface.state]
        carried = [] if self.stateful else states
        wants = {
            "function": list(self.functions.values()),
            "input": [port.name for port in self.interface.inputs] + [state_input(name) for name in carried],
            "output": [port.name for port in self.interface.outputs]
            + [state_output(name) for name in carried],
            "state": states if self.stateful else [],
        }
        for kind, names in wants.items():
            if lacking := [name for name in names if name not in has[kind]]:
                raise VaderError(f"{package} is damaged: it has no {kind} {lacking[0]!r}", COPY_AGAIN)


def _in_all(lists: list[Any]) -> set[str]:
    """The names of the features that every list has."""
    return set.intersection(*({feature.name for feature in features} for features in lists))


def _shapes(text: str, stride: int, package: str) -> Shapes:
    try:
        shapes = parse_shapes(text, stride)
    except UsageError as error:
        raise VaderError(
            f"{package} is damaged: its sizes are {text!r} ({error.message})", COPY_AGAIN
        ) from error
    if max(max(size) for size in shapes.sizes) > MOST_SIDE:
        raise VaderError(f"{package} is damaged: its sizes are {text!r}", COPY_AGAIN)
    return shapes


def _interface(metadata: dict[str, str], network: str, package: str) -> Interface:
    """The package's own; packages made before it was written have that of their network's spec."""
    if "vader.interface" in metadata:
        return Interface.from_json(metadata["vader.interface"])
    from mlx_vader.models.registry import NETWORKS

    what = f"{package} holds a network {network!r} that this version does not know"
    if network not in NETWORKS:
        raise VaderError(what, "convert its checkpoint again")
    spec = parse_json(
        metadata.get("vader.spec", ""), NETWORKS[network].spec, what, "convert its checkpoint again"
    )
    interface: Interface = spec.interface
    return interface
