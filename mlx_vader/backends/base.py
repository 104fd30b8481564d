"""What every backend is."""

from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from mlx_vader.models.base import Network

#: What a backend is made from: a network, a shipped name, the path of a checkpoint or of a Core ML package.
Source = Network | str | Path

#: A network's memory as numpy arrays, for writing to disk; the layout is the backend's own.
Packed = dict[str, np.ndarray]


class Restored(NamedTuple):
    """Restored frames in [0, 1], the mask (1 = artifact) where a network predicts one, and the backend's own state."""

    frames: Float32[np.ndarray, "t h w 3"]
    mask: Float32[np.ndarray, "t h w 1"] | None
    state: Any


@runtime_checkable
class Backend(Protocol):
    """A network on a device.

    `window` is the network's: clips cut at multiples of it give the same output as the uncut video. `stride` is
    what the network pads to inside; callers may pass any size. `takes_hint`: frames may have a fourth channel, the
    hint of `mlx_vader.masks`. `emulated`: another processor computes what the device would, so that its speed says
    nothing about the device's.
    """

    name: str
    device: str
    stride: int
    window: int
    takes_hint: bool
    emulated: bool

    def restore(self, frames: Float32[np.ndarray, "t h w c"], state: Any = None) -> Restored:
        """Restores RGB frames in [0, 1]; `state` is what the call before returned, `None` starts a video."""
        ...

    def pack(self, state: Any) -> Packed:
        """The state as numpy arrays; `unpack` gives the same state back, bit for bit."""
        ...

    def unpack(self, arrays: Packed) -> Any:
        """The state that `pack` was given; `{}` is the start of a video."""
        ...
