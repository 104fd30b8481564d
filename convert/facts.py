"""What a package says of itself, read from its metadata (`convert.metadata`)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.package import read_spec
from convert.shapes import Shapes, Size, parse_shapes
from mlx_vader.errors import VaderError
from mlx_vader.interface import Interface


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
        return cls.of(dict(read_spec(package).description.metadata.userDefined))

    @classmethod
    def of(cls, metadata: dict[str, str]) -> "PackageFacts":
        """From a package's metadata. Raises VaderError for a package that somebody else made."""
        if "vader.network" not in metadata:
            raise VaderError(
                "this package was not made by vader-mlx",
                hint="vader-mlx convert makes packages; vader-mlx run runs anybody's",
            )
        network, spec = metadata["vader.network"], json.loads(metadata["vader.spec"])
        interface = _interface(metadata, network, spec)
        functions = json.loads(metadata.get("vader.functions", "{}"))
        return cls(
            interface,
            parse_shapes(metadata["vader.shapes"], interface.stride),
            {parse_shapes(size).default: name for name, size in functions.items()},
            metadata.get("vader.io") == "image",
            bool(functions),
            metadata.get("vader.compress", "none") != "none",
            network,
            spec,
        )


def _interface(metadata: dict[str, str], network: str, spec: dict[str, Any]) -> Interface:
    """The package's own; packages made before it was written have that of their network's spec."""
    if "vader.interface" in metadata:
        return Interface.from_json(json.loads(metadata["vader.interface"]))
    from mlx_vader.models.registry import entry

    try:
        interface: Interface = entry(network).spec(**spec).interface
    except TypeError as error:
        raise VaderError(
            f"the package holds a {network} that this version does not know ({error})",
            hint="convert its checkpoint again",
        ) from error
    return interface
