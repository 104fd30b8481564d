"""Where a network runs: MLX, PyTorch or Core ML, behind one protocol.

A backend carries frames to a network and back; it never decides about video.
"""

from mlx_vader.backends.base import Backend, Restored, Source
from mlx_vader.backends.registry import BACKENDS, fastest, load_backend, unavailable

__all__ = ["BACKENDS", "Backend", "Restored", "Source", "fastest", "load_backend", "unavailable"]
