"""States: a function's memory from call to call."""

from torch import Tensor

from convert.emulator.registry import Kind, operation
from convert.emulator.state import Cell


@operation("read_state", kind=Kind.MOVES)
def read_state(input: Cell) -> Tensor:  # noqa: A002 - its name in MIL
    return input.value


@operation("write_state", kind=Kind.MOVES)
def write_state(input: Cell, data: Tensor) -> tuple[()]:  # noqa: A002 - its name in MIL
    input.value = data.reshape(input.value.shape)
    return ()


@operation("coreml_update_state", kind=Kind.MOVES)
def coreml_update_state(state: Cell, value: Tensor) -> Tensor:
    """Writes and reads; coremltools writes it as the two operations above."""
    state.value = value.reshape(state.value.shape)
    return state.value
