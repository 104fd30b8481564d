"""A converted network: in Core ML on a Mac, in the emulator elsewhere; `convert/running.py` runs it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convert.facts import PackageFacts
from convert.running import COMPUTE_UNITS, OpenModel, PackageRunner, opener
from mlx_vader.backends.base import Outputs, Packed, Source
from mlx_vader.errors import UsageError, choices, missing


class CoreMLBackend:
    """A package as a backend. An image package takes levels as pixels, without a detour through floats."""

    name = "coreml"

    def __init__(
        self, facts: PackageFacts, open_model: OpenModel, device: str, *, emulated: bool = False
    ) -> None:
        self._runner = PackageRunner(facts, open_model)
        self.facts = facts
        self.interface = facts.interface
        self.takes_levels = facts.images
        self.device = device
        self.emulated = emulated

    def run(self, inputs: Mapping[str, np.ndarray], state: Any = None) -> Outputs:
        """See `Backend`. Raises UsageError for frames larger than the package accepts."""
        return Outputs(*self._runner.run(inputs, state))

    def pack(self, state: Any) -> Packed:
        """The state as numpy arrays."""
        return self._runner.pack(state)

    def unpack(self, arrays: Packed) -> Any:
        """The state from numpy arrays."""
        return self._runner.unpack(arrays)


def load(source: Source, compute_units: str = "all") -> CoreMLBackend:
    """A backend for a package's path. Raises VaderError for a missing or unreadable package.

    Without Core ML the package runs in the emulator, whatever the compute units.
    """
    if compute_units not in COMPUTE_UNITS:
        raise UsageError(
            f"there are no compute units {compute_units!r}", hint=choices(compute_units, COMPUTE_UNITS)
        )
    path = Path(str(source))
    if not path.is_dir():
        raise missing(path)
    emulated = sys.platform != "darwin"
    device = "Core ML (emulated)" if emulated else f"Core ML ({compute_units})"
    return CoreMLBackend(PackageFacts.read(path), opener(path, compute_units), device, emulated=emulated)
