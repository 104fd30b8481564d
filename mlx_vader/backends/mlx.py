"""The network in MLX: on Apple and NVIDIA GPUs, and on any CPU."""

from typing import cast

import mlx.core as mx
import numpy as np
from jaxtyping import Float32

from mlx_vader.backends.base import Packed, Restored, Source
from mlx_vader.layers.rep import fuse
from mlx_vader.models.base import Network, State


class MlxBackend:
    """An MLX network, compiled once for each shape of clip; the state never leaves the device."""

    name = "mlx"
    emulated = False

    def __init__(self, network: Network) -> None:
        network.eval()
        self.network = fuse(network)
        self.device = device()
        self.stride = network.stride
        self.window = network.window
        self.takes_hint = network.takes_hint
        self._forward = mx.compile(self._call)

    def _call(self, frames: mx.array, state: State) -> tuple[mx.array, list[mx.array], State]:
        # mx.compile returns lists and dicts of arrays, not None: no mask is an empty list.
        frames, mask, state = self.network(frames, state)
        return frames.astype(mx.float32), [] if mask is None else [mask.astype(mx.float32)], state

    def _fresh(self, height: int, width: int) -> State:
        # Passing the zeros, rather than nothing, spares a second compilation: the first clip is like all others.
        up = self.stride
        return self.network.fresh_state(1, -(-height // up) * up, -(-width // up) * up)

    def restore(self, frames: Float32[np.ndarray, "t h w c"], state: State | None = None) -> Restored:
        """Restores a clip; see `Backend`. Raises ValueError for a state of another frame size."""
        state = state or self._fresh(*frames.shape[1:3])
        restored, mask, state = self._forward(mx.array(frames)[None], state)
        # The state is computed now, with the frames: a lazy one would drag the graph of all earlier clips along.
        mx.eval(restored, mask, state)
        return Restored(_view(restored), _view(mask[0]) if mask else None, state)

    def pack(self, state: State | None) -> Packed:
        """The state as numpy arrays."""
        return {name: np.array(array) for name, array in (state or {}).items()}

    def unpack(self, arrays: Packed) -> State | None:
        """The state from numpy arrays."""
        return {name: mx.array(array) for name, array in arrays.items()} or None


def _view(clip: mx.array) -> np.ndarray:
    """A batch of one as numpy, without a copy: the memory is shared with the device, and the view keeps it alive."""
    return cast(np.ndarray, np.array(clip[0], copy=False))


def device() -> str:
    """What MLX computes on, in words: `Apple M4 (GPU)`, `AMD EPYC (CPU)`."""
    kind = "GPU" if mx.default_device().type == mx.DeviceType.gpu else "CPU"
    return f"{mx.device_info().get('device_name', 'unknown')} ({kind})"


def has_gpu() -> bool:
    """Whether MLX has a GPU here: Metal on a Mac, CUDA on Linux with `mlx[cuda13]`."""
    return mx.default_device().type == mx.DeviceType.gpu


def load(source: Source) -> MlxBackend:
    """A backend for a network, a shipped name or a checkpoint's path."""
    from mlx_vader.checkpoints import load as load_network

    return MlxBackend(source if isinstance(source, Network) else load_network(source))


def peak_memory_mib() -> float:
    """The most memory that MLX has held, in MiB."""
    return mx.get_peak_memory() / 2**20
