"""Twin → the graph that coremltools converts.

`torch.jit.trace`, not `torch.export`: with PyTorch 2.13 and coremltools 9.0 both convert fixed shapes; for flexible
ones the trace keeps every size that a twin computes with as an operation, while `export` wants each size proven
symbolic. A trace freezes what goes through Python numbers, so twins compute with sizes as tensors; flexible packages
are traced at a size that nobody asks for, and the tests run them at the others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from convert.form import Form
from convert.shapes import Shapes, Size

if TYPE_CHECKING:
    import torch

    from torch_ref.models.base import Network as TorchNetwork

FRAMES, HINT, RESTORED, MASK = "frames", "hint", "restored", "mask"


def trace(
    twin: "TorchNetwork", shapes: Shapes, form: Form
) -> tuple["torch.jit.ScriptModule", tuple[str, ...]]:
    """The twin's frame-by-frame function as a graph, and the names of its outputs."""
    import torch

    from convert.frame import EightBit, FrameByFrame, StatefulFrame
    from convert.lowerings import lowered

    size = _sample_size(shapes, twin.stride)
    state = {name: torch.zeros(1, *shape) for name, shape in twin.state_spec(*size).items()}
    brightest = 255 if form.io == "image" else 1
    frame = torch.linspace(0, brightest, 3 * size.height * size.width).reshape(1, 3, *size)
    network = EightBit(lowered(twin)) if form.io == "image" else lowered(twin)
    function = StatefulFrame(network, state) if form.stateful else FrameByFrame(network, tuple(state))
    hint = (torch.zeros(1, 1, *size),) if twin.takes_hint else ()
    given = (frame, *hint) if form.stateful else (frame, *hint, *state.values())
    with torch.no_grad(), _sizes_as_tensors():
        traced = torch.jit.trace(function.eval(), given, check_trace=False)
    mask = (MASK,) if function.has_mask else ()
    memory = () if form.stateful else tuple(f"{name}_out" for name in state)
    return traced, (RESTORED, *mask, *memory)


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
