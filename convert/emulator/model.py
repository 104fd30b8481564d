"""A package that runs anywhere, with the interface of coremltools' `MLModel`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from convert.emulator.function import Compiler
from convert.emulator.rounding import Flag, Flags
from convert.emulator.state import EmulatedState
from convert.emulator.steps import Watch
from convert.emulator.values import check_names, check_pairing, to_input, to_output
from convert.features import Feature, features
from convert.manifest import COPY_AGAIN
from convert.package import damage_explained
from convert.program import Program, read_program
from mlx_vader._malloc import keep_freed_blocks
from mlx_vader.errors import UsageError, VaderError, choices

PRECISIONS = ("fp16", "fp32")


class EmulatedModel:
    """A function of an ML program, computed by PyTorch on the CPU.

    `precision`: "fp16" rounds each result of half precision as a device does that computes in single precision and
    stores in half; "fp32" rounds nothing. What a device does within an operation, it does not tell.
    """

    def __init__(self, path: Path | str, function_name: str | None = None, precision: str = "fp16") -> None:
        """Reads the package and decodes its weights.

        Raises `VaderError` for what is no ML program, for damaged weights, and for operations it does not know;
        `UsageError` for a function that the package lacks.
        """
        if precision not in PRECISIONS:
            raise UsageError(f"unknown precision {precision!r}", hint=choices(precision, PRECISIONS))
        keep_freed_blocks()
        self.path, self.precision = Path(path), precision
        self._program: Program = read_program(self.path)
        self._function = self._program.function(function_name)
        self.function_name = self._function.name
        self._noted = Flags()
        description = self._program.description(self.function_name)
        with damage_explained(self.path):
            self.inputs: tuple[Feature, ...] = features(description.input)
            self.outputs: tuple[Feature, ...] = features(description.output)
        types = {entry.name: entry.type for entry in self._function.inputs}
        self.states = {name: of for name, of in types.items() if of.kind == "state"}
        self._types = {name: of for name, of in types.items() if of.kind != "state"}
        self._check_description()
        with torch.inference_mode(), damage_explained(self.path):
            self._compiled = Compiler(self._function, self.path, self._noted, half=precision == "fp16")

    @property
    def program(self) -> Program:
        """All that the package holds."""
        return self._program

    @property
    def flags(self) -> list[Flag]:
        """What half precision holds badly, of all predictions since `clear_flags`. Empty in fp32."""
        return list(self._noted)

    def clear_flags(self) -> None:
        """Forgets the flags."""
        self._noted.clear()

    @property
    def user_defined_metadata(self) -> dict[str, str]:
        """What the package's maker wrote about it."""
        return dict(self._program.spec.description.metadata.userDefined)

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the package's functions."""
        return tuple(self._program.functions)

    @property
    def input_description(self) -> dict[str, str]:
        """What the package says of each input."""
        return {feature.name: feature.description for feature in self.inputs}

    @property
    def output_description(self) -> dict[str, str]:
        """What the package says of each output."""
        return {feature.name: feature.description for feature in self.outputs}

    def get_spec(self) -> Any:
        """The protobuf `Model`."""
        return self._program.spec

    def make_state(self) -> EmulatedState:
        """All zeros, for a new stream. Raises `UsageError` for a function without states."""
        if not self.states:
            raise UsageError(
                f"{self.function_name!r} of {self.path} has no states", hint="call predict without one"
            )
        return EmulatedState(self.states, half=self.precision == "fp16")

    def predict(
        self, data: Mapping[str, Any], state: EmulatedState | None = None, watch: Watch | None = None
    ) -> dict[str, np.ndarray | Image.Image | Any]:
        """The outputs by name. `state` is changed in place.

        `watch(operation, name, value)` is called with each output of each operation, rounded, as it is computed; it
        may keep a value but not change it. Raises `UsageError` for inputs that do not fit.
        """
        half = self.precision == "fp16"
        check_names(data, self.inputs, tuple(self.states))
        check_pairing(data, self.inputs)
        compiled = self._compiled
        values = compiled.values()
        with torch.inference_mode():
            for feature in self.inputs:
                of = self._types[feature.name]
                values[compiled.places[feature.name]] = to_input(
                    data.get(feature.name), feature, of, self._noted if half else None
                )
            self._enter(values, state)
            compiled.watch = watch
            with damage_explained(self.path):
                compiled.main.run(values, watch)
                places = (values[at] for at in compiled.main.outputs)
                results = dict(zip(self._function.block.outputs, places, strict=True))
                return {
                    feature.name: to_output(results[feature.name], feature, half=half)
                    for feature in self.outputs
                }

    def _check_description(self) -> None:
        """Raises `VaderError` where the package describes what its program does not take or give."""
        described = [feature.name for feature in self.inputs]
        unknown = {*described} - self._types.keys() | self._types.keys() - {*described}
        unknown |= {feature.name for feature in self.outputs} - {*self._function.block.outputs}
        if unknown:
            raise VaderError(
                f"{self.path} does not describe its program: {min(unknown)!r} is only in one of them",
                hint=COPY_AGAIN,
            )

    def _enter(self, values: list[Any], state: EmulatedState | None) -> None:
        """Puts the state's cells in their places."""
        if self.states and (state is None or state.cells.keys() != self.states.keys()):
            raise UsageError(
                f"{self.function_name!r} of {self.path} needs a state",
                hint="give predict(..., state=make_state())",
            )
        for name in self.states:
            assert state is not None
            values[self._compiled.places[name]] = state.cells[name]
