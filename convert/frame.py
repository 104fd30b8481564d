"""The function that a package holds: one frame in, one frame out, and the memory in between.

`FrameByFrame` takes the memory as inputs and gives it as outputs; `StatefulFrame` keeps it. `EightBit` makes a twin
count brightness from 0 to 255, as the pixels of an image do.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float

from convert import lowerings  # noqa: F401 - defines vader::keep_
from torch_ref.models.base import Network, Restored, State


class FrameByFrame(torch.nn.Module):
    """A twin with the time axis taken off, and its state as positional tensors, as tracing wants it."""

    def __init__(self, twin: "Network | EightBit", states: Sequence[str]) -> None:
        super().__init__()
        self.twin, self.states = twin, tuple(states)
        #: Whether the twin gave a mask; known once it has run.
        self.has_mask = False

    def forward(
        self, frame: Float[torch.Tensor, "1 3 h w"], *others: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Restored frame, mask where the network has one, then the states in the order of `states`.

        `others` are the hint, where the network takes one, and the states.
        """
        hint, state = others[: self.twin.takes_hint], others[self.twin.takes_hint :]
        restored = _restored(self.twin, frame, dict(zip(self.states, state, strict=True)), hint)
        self.has_mask = restored.mask is not None
        return *_images(restored), *(restored.state[name] for name in self.states)


class StatefulFrame(torch.nn.Module):
    """A twin with the time axis taken off, and its state in buffers of the state's names, which it overwrites."""

    def __init__(self, twin: "Network | EightBit", states: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.twin, self.states = twin, tuple(states)
        self.has_mask = False
        for name, value in states.items():
            self.register_buffer(name, value)

    def forward(
        self, frame: Float[torch.Tensor, "1 3 h w"], *hint: Float[torch.Tensor, "1 1 h w"]
    ) -> tuple[torch.Tensor, ...]:
        """Restored frame, and mask where the network has one; with a hint where the network takes one."""
        # All are read before anything is computed: coremltools reads a state where it is first used, and may write it
        # as soon as its new value is known.
        state = {name: getattr(self, name).clone() for name in self.states}
        restored = _restored(self.twin, frame, state, hint)
        self.has_mask = restored.mask is not None
        for name in self.states:
            torch.ops.vader.keep_(getattr(self, name), restored.state[name])
        return _images(restored)


class EightBit(torch.nn.Module):
    """A twin whose frames count from 0 to 255. Its mask and its state stay as they are."""

    def __init__(self, twin: Network) -> None:
        super().__init__()
        self.twin, self.takes_hint = twin, twin.takes_hint

    def restore(
        self, frames: Float[torch.Tensor, "b t 3 h w"], state: State, *hint: Float[torch.Tensor, "b t 1 h w"]
    ) -> Restored:
        """The twin's, with a hint if it takes one."""
        restored = self.twin.restore(frames / 255, state, *hint)
        return restored._replace(frames=restored.frames.clamp(0, 1) * 255)


def _restored(
    twin: "Network | EightBit", frame: torch.Tensor, state: State, hint: tuple[torch.Tensor, ...]
) -> Restored:
    # Sizes of packages are multiples of the stride: nothing is padded.
    return twin.restore(frame.unsqueeze(1), state, *(one.unsqueeze(1) for one in hint))


def _images(restored: Restored) -> tuple[torch.Tensor, ...]:
    return restored.frames.squeeze(1), *(() if restored.mask is None else (restored.mask.squeeze(1),))
