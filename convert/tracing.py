"""Twin → the graph that coremltools converts.

`torch.jit.trace`, not `torch.export`: with PyTorch 2.13 and coremltools 9.0 both convert fixed shapes; for flexible
ones the trace keeps every size that a twin computes with as an operation, while `export` wants each size proven
symbolic. A trace freezes what goes through Python numbers, so twins compute with sizes as tensors; flexible packages
are traced at a size that nobody asks for, and the tests run them at the others.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from convert.form import Form
from convert.shapes import Shapes, Size
from mlx_vader.interface import Interface, Port

if TYPE_CHECKING:
    import torch

    from torch_ref.models.base import Network as TorchNetwork


def trace(twin: "TorchNetwork", shapes: Shapes, form: Form) -> "torch.jit.ScriptModule":
    """The twin's frame-by-frame function as a graph."""
    import torch

    from convert.frame import EightBit, FrameByFrame, StatefulFrame
    from convert.lowerings import lowered

    size = _sample_size(shapes, twin.interface.stride)
    state = twin.fresh_state(1, *size)
    brightest = 255 if form.io == "image" else 1
    inputs = [_sample_input(port, size, brightest) for port in twin.interface.inputs]
    network = EightBit(lowered(twin)) if form.io == "image" else lowered(twin)
    function = StatefulFrame(network, state) if form.stateful else FrameByFrame(network)
    given = tuple(inputs) if form.stateful else (*inputs, *state.values())
    with torch.no_grad(), _sizes_as_tensors():
        return torch.jit.trace(function.eval(), given, check_trace=False)


def output_names(interface: Interface, form: Form) -> tuple[str, ...]:
    """What the function gives, in order: outputs, then states where they are no states of Core ML's."""
    memory = () if form.stateful else interface.state
    return (*(port.name for port in interface.outputs), *(state_output(port.name) for port in memory))


def state_input(name: str) -> str:
    """The name under which a package takes a state that it does not keep itself."""
    return f"{name}_in"


def state_name(input_name: str) -> str:
    """The state's own name."""
    return input_name.removesuffix("_in")


def state_output(name: str) -> str:
    """The name under which it gives the state's next value."""
    return f"{name}_out"


def _sample_input(port: Port, size: Size, brightest: int) -> "torch.Tensor":
    """Frames from dark to bright, and zeros of all else."""
    import torch

    shape = (1, *port.planes(*size))
    if port.kind != "frames":
        return torch.zeros(shape)
    return torch.linspace(0, brightest, math.prod(shape)).reshape(shape)


def _sample_size(shapes: Shapes, stride: int) -> Size:
    """The size to trace at: for flexible shapes one that nobody asked for, so that a frozen size is noticed."""
    return shapes.default if shapes.kind == "fixed" else Size(6 * stride, 10 * stride)


@contextmanager
def _sizes_as_tensors() -> Iterator[None]:
    """A trace passes sizes as tensors where annotations say int: leaves the checks of annotations out."""
    from jaxtyping import config

    checked = not config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", not checked)
