"""A fast BLAS for MLX on Linux.

The `mlx[cpu]` wheel links the reference BLAS. PyTorch's wheel carries an optimised one with the same symbols:
loaded into the global scope before `mlx.core`, it takes over MLX's matrix products (20-33 times faster).
"""

import contextlib
import ctypes
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

#: The libraries that were loaded, in order; empty when MLX runs on its own BLAS.
loaded: list[str] = []


def _preload() -> None:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    with contextlib.suppress(OSError):
        for name in ("libc10.so", "libtorch_cpu.so"):
            ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL)
            loaded.append(str(folder / name))


class _BeforeMlx(importlib.abc.MetaPathFinder):
    """Loads the libraries at the moment when `mlx.core` is first imported, so that `--help` never pays for it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name == "mlx.core":
            sys.meta_path.remove(self)
            _preload()
        return None


def install() -> None:
    """Prepares the preload; does nothing on macOS, after MLX was imported, or when `VADER_BLAS=mlx`."""
    if sys.platform == "linux" and "mlx.core" not in sys.modules and os.environ.get("VADER_BLAS") != "mlx":
        sys.meta_path.insert(0, _BeforeMlx())
