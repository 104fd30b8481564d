"""What a stateful function remembers from call to call."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from convert.emulator.rounding import rounded
from convert.program import Type
from mlx_vader.errors import UsageError

_NUMPY = {"fp16": np.float16, "fp32": np.float32}


@dataclass
class Cell:
    """The place that a state's name stands for in a program."""

    type: Type
    value: Tensor


class EmulatedState:
    """The states of one stream. Reads and writes like coremltools' `MLState`."""

    def __init__(self, types: Mapping[str, Type], *, half: bool) -> None:
        """All zeros. `half`: values written from outside are rounded where the state is fp16."""
        self._half = half
        self.cells = {name: Cell(of, torch.zeros(_shape(of))) for name, of in types.items()}

    def read_state(self, name: str) -> np.ndarray:
        """A copy of the state, in its own type."""
        cell = self._cell(name)
        return cell.value.numpy().astype(_NUMPY.get(cell.type.dtype, cell.type.dtype))

    def write_state(self, name: str, value: np.ndarray) -> None:
        """Sets the state. Raises `UsageError` for an unknown name or another shape."""
        cell = self._cell(name)
        array = np.array(value, np.float32)
        if array.shape != _shape(cell.type):
            raise UsageError(
                f"the state {name!r} has the shape {_shape(cell.type)}, not {array.shape}",
                hint="a state keeps its shape",
            )
        tensor = torch.from_numpy(array)
        cell.value = rounded(tensor) if self._half and cell.type.dtype == "fp16" else tensor

    def _cell(self, name: str) -> Cell:
        if name not in self.cells:
            raise UsageError(
                f"there is no state {name!r}", hint=f"there are {', '.join(self.cells) or 'none'}"
            )
        return self.cells[name]


def _shape(of: Type) -> tuple[int, ...]:
    return tuple(size or 1 for size in of.shape)
