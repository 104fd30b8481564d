"""What every backend is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from mlx_vader.interface import Interface
from mlx_vader.models.base import Network
from mlx_vader.process import Packed

#: What a backend is made from: a network, a shipped name, the path of a checkpoint or of a Core ML package.
Source = Network | str | Path


class Outputs(NamedTuple):
    """What a network gives, float32 by the names of its interface, and the backend's own state."""

    values: dict[str, np.ndarray]
    state: Any


@runtime_checkable
class Backend(Protocol):
    """A network on a device.

    `interface` says what it takes and gives; callers may pass frames of any size. `takes_levels`: frames are best given
    as levels. `emulated`: another processor computes what the device would, so that its speed says nothing about the
    device's.
    """

    name: str
    device: str
    emulated: bool
    interface: Interface
    takes_levels: bool

    def run(self, inputs: Mapping[str, np.ndarray], state: Any = None) -> Outputs:
        """Computes a clip from inputs by name, `(t, h, w, c)` or `(t, c)`; `state` is what the call before returned.

        `None` starts a video. Inputs are float32; inputs of the kind `frames` may be levels from 0 to 255 in uint8.
        """
        ...

    def pack(self, state: Any) -> Packed:
        """The state as numpy arrays, in the backend's own layout; `unpack` gives the same state back, bit for bit."""
        ...

    def unpack(self, arrays: Packed) -> Any:
        """The state that `pack` was given; `{}` is the start of a video."""
        ...
