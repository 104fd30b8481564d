"""The network in MLX: on Apple and NVIDIA GPUs, and on any CPU."""

from collections.abc import Mapping
from typing import cast

import mlx.core as mx
import numpy as np

from mlx_vader.backends.base import Outputs, Packed, Source
from mlx_vader.layers.rep import fuse
from mlx_vader.models.base import Network, State


class MlxBackend:
    """An MLX network, compiled once for each shape of clip; the state never leaves the device."""

    name = "mlx"
    emulated = False
    takes_levels = False

    def __init__(self, network: Network) -> None:
        network.eval()
        self.network = fuse(network)
        self.device = device()
        self.interface = network.interface
        self._forward = mx.compile(self._call)

    def _call(self, inputs: dict[str, mx.array], state: State) -> tuple[dict[str, mx.array], State]:
        unit = {
            name: array.astype(mx.float32) / 255 if array.dtype == mx.uint8 else array
            for name, array in inputs.items()
        }
        outputs, state = self.network.run(unit, state)
        return {name: array.astype(mx.float32) for name, array in outputs.items()}, state

    def _fresh(self, inputs: Mapping[str, np.ndarray]) -> State:
        # Passing the zeros, rather than nothing, spares a second compilation: the first clip is like all others.
        sizes = {name: array.shape[1:3] for name, array in inputs.items()}
        return self.network.fresh_state(1, *self.interface.padded(*self.interface.frame_size(sizes)))

    def run(self, inputs: Mapping[str, np.ndarray], state: State | None = None) -> Outputs:
        """Computes a clip; see `Backend`. Raises ValueError for a state of another frame size."""
        self.interface.check_inputs(inputs)
        given = {name: mx.array(array)[None] for name, array in inputs.items()}
        outputs, state = self._forward(given, state or self._fresh(inputs))
        # The state is computed now, with the outputs: a lazy one would drag the graph of all earlier clips along.
        mx.eval(outputs, state)
        return Outputs({name: _view(array) for name, array in outputs.items()}, state)

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
