"""The PyTorch twin: the reference, and the fastest on a CPU."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from mlx_vader.backends.base import Packed, Restored, Source
from mlx_vader.models.base import Network

if TYPE_CHECKING:
    import torch

    TorchState = dict[str, torch.Tensor]


class TorchBackend:
    """The twin of a network, with the same weights, channels last."""

    name = "torch"
    emulated = False

    def __init__(self, network: Network) -> None:
        import torch

        from convert.weights import twin
        from torch_ref.layers.rep import fuse

        self._device = best_device()
        self.device = describe(self._device)
        self.stride = network.stride
        self.window = network.window
        self.takes_hint = network.takes_hint
        # Channels last is how the frames lie in memory already, and what the CPU's convolutions are fastest on.
        self.twin = fuse(twin(network)).eval().to(self._device)
        self.twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def restore(self, frames: Float32[np.ndarray, "t h w c"], state: "TorchState | None" = None) -> Restored:
        """Restores a clip; see `Backend`."""
        import torch

        with torch.inference_mode():
            clip = torch.from_numpy(frames).to(self._device).permute(0, 3, 1, 2)[None]
            restored, mask, state = self.twin(clip, state)
            return Restored(_numpy(restored), None if mask is None else _numpy(mask), state)

    def pack(self, state: "TorchState | None") -> Packed:
        """The state as numpy arrays."""
        return {name: tensor.cpu().numpy() for name, tensor in (state or {}).items()}

    def unpack(self, arrays: Packed) -> "TorchState | None":
        """The state from numpy arrays."""
        import torch

        return {name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()} or None


def _numpy(clip: "torch.Tensor") -> np.ndarray:
    """`(1, t, c, h, w)` as `(t, h, w, c)`; no copy where the network kept channels last."""
    return np.ascontiguousarray(clip[0].permute(0, 2, 3, 1).float().cpu().numpy())


def peak_memory_mib() -> float | None:
    """The most memory that PyTorch has held on a CUDA device, in MiB; None without one."""
    import torch

    return torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None


def best_device() -> "torch.device":
    """CUDA, else Apple's GPU, else the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def describe(device: "torch.device") -> str:
    """The device in words: `NVIDIA A10 (CUDA)`, `Apple GPU (MPS)`, `CPU, 2 threads`."""
    import torch

    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} (CUDA)"
    threads = torch.get_num_threads()
    return "Apple GPU (MPS)" if device.type == "mps" else f"CPU, {threads} thread{'s' * (threads != 1)}"


def load(source: Source) -> TorchBackend:
    """A backend for a network, a shipped name or a checkpoint's path."""
    from mlx_vader.checkpoints import load as load_network

    return TorchBackend(source if isinstance(source, Network) else load_network(source))
