"""How much each compressed weight disturbs the result of its own layer: the signal-to-quantization-noise ratio.

One run of the uncompressed package is enough: each layer's result is computed a second time, from the same input and
with the compressed weight. What the noise does further on, this does not tell.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convert.emulator import EmulatedModel
from convert.emulator.registry import OPERATIONS, to_tensor
from convert.facts import PackageFacts
from convert.program import Operation, Program, read_program
from convert.real_frames import real_frames
from convert.running import PackageRunner, WatchedModel
from convert.verification import psnr_db

if TYPE_CHECKING:
    import torch

#: The first frame sees no memory, the second does.
FRAMES = 2
#: What coremltools appends to the name of a weight that it compresses.
_SUFFIXES = ("_palettized", "_quantized")


def layer_sqnr(package: Path, compressed: Path, facts: PackageFacts, clip: Path | None) -> dict[str, float]:
    """By the name of each weight of `package` that `compressed` has in fewer bits, its layer's ratio in dB.

    That of the worst of some frames of `clip`. `compressed` is the same package of one function with smaller weights.
    """
    model = EmulatedModel(package)
    layers = _Layers(model.program, _decompressed(compressed))
    runner = PackageRunner(facts, lambda _: WatchedModel(model, layers.on_result, layers.on_input))
    runner.run(real_frames(clip, facts.shapes.default, FRAMES).inputs(facts.interface))
    return layers.ratios


def _decompressed(package: Path) -> dict[str, "torch.Tensor"]:
    """The compressed weights of a package as they are used, by the names that they had before."""
    values: dict[str, torch.Tensor] = {}
    for step in read_program(package).function().block.walk():
        if step.type == "const":
            values[step.outputs[0].name] = to_tensor(step.attributes["val"].value)
        elif step.type.startswith("constexpr"):
            values[step.outputs[0].name] = _computed(step, values)
    return {
        name.removesuffix(suffix): value
        for name, value in values.items()
        for suffix in _SUFFIXES
        if name.endswith(suffix)
    }


class _Layers:
    """Looks on while a package runs, and computes each layer again with its compressed weight."""

    def __init__(self, program: Program, compressed: Mapping[str, "torch.Tensor"]) -> None:
        self.ratios: dict[str, float] = {}
        self._compressed = compressed
        self._values: dict[str, torch.Tensor] = {}
        self._wanted: set[str] = set()
        for step in program.function().block.walk():
            if step.type == "const":
                self._values[step.outputs[0].name] = to_tensor(step.attributes["val"].value)
            elif self._weights(step):
                self._wanted.update(step.named_operands)

    def on_input(self, name: str, value: Any) -> None:
        """Keeps what a layer reads."""
        if name in self._wanted:
            self._values[name] = to_tensor(np.asarray(value))

    def on_result(self, operation: Operation, name: str, value: "torch.Tensor") -> None:
        """Keeps what a layer reads; of a layer's result, how far the compressed weight's is from it."""
        for weight in self._weights(operation):
            again = _computed(operation, {**self._values, weight: self._compressed[weight]})
            noise = float((again.double() - value.double()).square().mean())
            signal = float(value.double().square().mean())
            ratio = psnr_db(noise, signal**0.5) if signal else 0.0
            self.ratios[weight] = min(self.ratios.get(weight, ratio), ratio)
        if name in self._wanted:
            self._values[name] = value.clone()

    def _weights(self, operation: Operation) -> list[str]:
        return [name for name in operation.named_operands if name in self._compressed]


def _computed(operation: Operation, values: Mapping[str, "torch.Tensor"]) -> "torch.Tensor":
    """The first result of an operation whose named operands are `values`, in single precision."""
    import torch

    implementation = OPERATIONS[operation.type]
    attributes = {name: (value,) for name, value in operation.attributes.items()}
    given = {}
    for name, operands in {**attributes, **operation.inputs}.items():
        if name not in implementation.readers:
            continue
        read = [
            values[operand] if isinstance(operand, str) else to_tensor(operand.value) for operand in operands
        ]
        given[name] = implementation.readers[name](read[0] if len(read) == 1 else read)
    with torch.inference_mode():
        result = implementation.function(**given)
    return result[0] if isinstance(result, tuple) else result
