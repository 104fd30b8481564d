"""The function that a package holds: one frame in, one frame out, and the memory in between.

`FrameByFrame` takes the memory as inputs and gives it as outputs; `StatefulFrame` keeps it. `EightBit` makes a twin
count brightness from 0 to 255, as the pixels of an image do.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float

from torch_ref.models.base import Restored, State


class FrameByFrame(torch.nn.Module):
    """A twin with the time axis taken off, and its state as positional tensors, as tracing wants it."""

    def __init__(self, twin: torch.nn.Module, states: Sequence[str]) -> None:
        super().__init__()
        self.twin, self.states = twin, tuple(states)
        #: Whether the twin gave a mask; known once it has run.
        self.has_mask = False

    def forward(
        self, frame: Float[torch.Tensor, "1 3 h w"], *state: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Restored frame, mask where the network has one, then the states in the order of `states`."""
        restored = self.twin(frame.unsqueeze(1), dict(zip(self.states, state, strict=True)))
        self.has_mask = restored.mask is not None
        return *_images(restored), *(restored.state[name] for name in self.states)


class StatefulFrame(torch.nn.Module):
    """A twin with the time axis taken off, and its state in buffers of the state's names, which it overwrites."""

    def __init__(self, twin: torch.nn.Module, states: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.twin, self.states = twin, tuple(states)
        self.has_mask = False
        for name, value in states.items():
            self.register_buffer(name, value)

    def forward(self, frame: Float[torch.Tensor, "1 3 h w"]) -> tuple[torch.Tensor, ...]:
        """Restored frame, and mask where the network has one."""
        restored = self.twin(frame.unsqueeze(1), {name: getattr(self, name) for name in self.states})
        self.has_mask = restored.mask is not None
        # All are computed before any is overwritten: a state may be another's value of the frame before.
        for name, value in {name: restored.state[name].clone() for name in self.states}.items():
            getattr(self, name)[:] = value
        return _images(restored)


class EightBit(torch.nn.Module):
    """A twin whose frames count from 0 to 255. Its mask and its state stay as they are."""

    def __init__(self, twin: torch.nn.Module) -> None:
        super().__init__()
        self.twin = twin

    def forward(self, frames: Float[torch.Tensor, "b t 3 h w"], state: State) -> Restored:
        restored = self.twin(frames / 255, state)
        return restored._replace(frames=restored.frames.clamp(0, 1) * 255)


def _images(restored: Restored) -> tuple[torch.Tensor, ...]:
    return restored.frames.squeeze(1), *(() if restored.mask is None else (restored.mask.squeeze(1),))
