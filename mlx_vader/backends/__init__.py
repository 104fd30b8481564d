"""Where a network runs: MLX, PyTorch or Core ML, behind one protocol.

A backend carries arrays to a network and back; it never decides about video. `restore(backend, frames, state, hint)` is
restoration on any of them.
"""

from mlx_vader.backends.base import Backend, Outputs, Source
from mlx_vader.backends.registry import BACKENDS, fastest, load_backend, unavailable
from mlx_vader.backends.restoration import Restored, restore

__all__ = [
    "BACKENDS",
    "Backend",
    "Outputs",
    "Restored",
    "Source",
    "fastest",
    "load_backend",
    "restore",
    "unavailable",
]
