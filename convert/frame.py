"""The function that a package holds: one frame in, one frame out, and the memory in between.

`FrameByFrame` takes the memory as inputs and gives it as outputs; `StatefulFrame` keeps it. `EightBit` makes a twin
count brightness from 0 to 255, as the pixels of an image do.
"""

from collections.abc import Mapping
from typing import Any

import torch

from convert import lowerings  # noqa: F401 - defines vader::keep_
from torch_ref.models.base import Network, State


class FrameByFrame(torch.nn.Module):
    """A twin with the time axis taken off, and its ports as positional tensors, as tracing wants it."""

    def __init__(self, twin: Network) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Outputs, then states, from inputs and states, in the order of the interface."""
        interface = self.twin.interface
        inputs, memory = given[: len(interface.inputs)], given[len(interface.inputs) :]
        names = [port.name for port in interface.state]
        outputs, state = _computed(self.twin, inputs, dict(zip(names, memory, strict=True)))
        return *outputs, *(state[name] for name in names)


class StatefulFrame(torch.nn.Module):
    """A twin with the time axis taken off, and its state in buffers of the state's names, which it overwrites."""

    def __init__(self, twin: Network, states: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.twin, self.states = twin, tuple(states)
        for name, value in states.items():
            self.register_buffer(name, value)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Outputs from inputs, in the order of the interface."""
        # All are read before anything is computed: coremltools reads a state where it is first used, and may write it
        # as soon as its new value is known.
        state = {name: getattr(self, name).clone() for name in self.states}
        outputs, state = _computed(self.twin, inputs, state)
        for name in self.states:
            torch.ops.vader.keep_(getattr(self, name), state[name])
        return outputs


class EightBit(Network):
    """A twin whose frames count from 0 to 255. Its other ports and its state stay as they are."""

    def __init__(self, twin: Network) -> None:
        super().__init__()
        self.twin = twin

    @property
    def interface(self) -> Any:
        """The twin's."""
        return self.twin.interface

    def compute(self, inputs: dict[str, torch.Tensor], state: State) -> tuple[dict[str, torch.Tensor], State]:
        """The twin's, with frames divided before and multiplied after."""
        unit = {port.name: inputs[port.name] / 255 for port in self.interface.inputs if port.kind == "frames"}
        outputs, state = self.twin.compute(inputs | unit, state)
        levels = {
            port.name: outputs[port.name].clamp(0, 1) * 255
            for port in self.interface.outputs
            if port.kind == "frames"
        }
        return outputs | levels, state


def _computed(
    twin: Network, inputs: tuple[torch.Tensor, ...], state: State
) -> tuple[tuple[torch.Tensor, ...], State]:
    """One frame in the order of the interface. Sizes of packages are multiples of the stride: nothing is padded."""
    interface = twin.interface
    named = {port.name: value.unsqueeze(1) for port, value in zip(interface.inputs, inputs, strict=True)}
    outputs, state = twin.compute(named, state)
    return tuple(outputs[port.name].squeeze(1) for port in interface.outputs), state
