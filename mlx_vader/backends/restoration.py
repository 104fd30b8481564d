"""Restoration on any backend: ports are found by their kinds, so that no caller knows a name."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8

from mlx_vader.backends.base import Backend
from mlx_vader.pieces import Pieces


class Restored(NamedTuple):
    """Restored frames in [0, 1], the mask (1 = artifact) where a network predicts one, and the backend's own state."""

    frames: Float[np.ndarray, "t h w 3"]
    mask: Float[np.ndarray, "t h w 1"] | None
    state: Any


def restore(
    backend: Backend,
    frames: Float32[np.ndarray, "t h w 3"] | UInt8[np.ndarray, "t h w 3"] | Pieces,
    state: Any = None,
    hint: Float32[np.ndarray, "t h w 1"] | Pieces | None = None,
) -> Restored:
    """Restores frames, RGB in [0, 1] or levels; `state` is what the call before returned, `None` starts a video.

    Only backends that cut frames take `Pieces` of them.
    `hint`: 1 artifact, -1 clean, 0 unknown; dropped where the network takes none. Raises UsageError for a network that
    does not restore frames.
    """
    ports = backend.interface.restoration()
    inputs: dict[str, Any] = {ports.frames.name: frames}
    if hint is not None and ports.hint is not None:
        inputs[ports.hint.name] = hint
    values, state = backend.run(inputs, state)
    return Restored(values[ports.restored.name], values[ports.mask.name] if ports.mask else None, state)
