"""The function that a package holds: one frame and the memory in, one frame and the memory out."""

from collections.abc import Sequence

import torch
from jaxtyping import Float


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
        mask = (restored.mask.squeeze(1),) if self.has_mask else ()
        return restored.frames.squeeze(1), *mask, *(restored.state[name] for name in self.states)
