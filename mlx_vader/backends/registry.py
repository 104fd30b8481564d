"""Backends by name, and which of them is the fastest here."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from mlx_vader._malloc import keep_freed_blocks
from mlx_vader.backends.base import Backend, Source
from mlx_vader.errors import UsageError, VaderError, choices


@dataclass(frozen=True)
class Entry:
    """How a backend is loaded, and why it cannot work on this machine (`""` when it can)."""

    module: str
    unavailable: Callable[[], str]
    hint: str = ""

    def load(self, source: Source, **options: str) -> Backend:
        """Imports the framework and loads the network."""
        backend: Backend = import_module(self.module).load(source, **options)
        return backend


def _needs(package: str) -> Callable[[], str]:
    return lambda: "" if find_spec(package) else f"the package {package} is not installed"


def _needs_core_ml() -> str:
    """Core ML itself is macOS's; elsewhere the emulator stands in for it, which computes with PyTorch."""
    return _needs("coremltools")() or ("" if sys.platform == "darwin" else _needs("torch")())


BACKENDS: dict[str, Entry] = {
    "mlx": Entry("mlx_vader.backends.mlx", _needs("mlx"), "pip install mlx, or --backend torch"),
    "torch": Entry("mlx_vader.backends.torch", _needs("torch"), "pip install torch, or --backend mlx"),
    "coreml": Entry(
        "mlx_vader.backends.coreml",
        _needs_core_ml,
        "--backend mlx or torch runs the checkpoint it was made from",
    ),
}


def load_backend(name: str, source: Source = "default", *, compute_units: str = "all") -> Backend:
    """The backend `name` (`auto`, `mlx`, `torch`, `coreml`) with the network of `source`.

    `compute_units` is for Core ML: all, cpuAndGPU, cpuAndNeuralEngine or cpuOnly.

    Raises UsageError for an unknown name or a source of the wrong kind, VaderError for a backend that cannot work
    here and for a checkpoint that cannot be read.
    """
    name = fastest(source) if name == "auto" else name
    if name not in BACKENDS:
        raise UsageError(f"there is no backend {name!r}", hint=choices(name, ("auto", *BACKENDS)))
    if reason := unavailable(name):
        raise VaderError(f"the backend {name} does not work here: {reason}", hint=BACKENDS[name].hint)
    if is_package(source) != (name == "coreml"):
        wanted = "a .mlpackage" if name == "coreml" else "a .safetensors checkpoint"
        raise UsageError(
            f"the backend {name} runs {wanted}, not {source}", hint="vader-mlx convert makes packages"
        )
    keep_freed_blocks()
    return BACKENDS[name].load(source, **({"compute_units": compute_units} if name == "coreml" else {}))


def unavailable(name: str) -> str:
    """Why the backend cannot work on this machine; `""` when it can."""
    return BACKENDS[name].unavailable()


def fastest(source: Source = "default") -> str:
    """The name of the fastest backend that this machine has for `source`.

    A package runs on Core ML alone. A checkpoint runs in MLX where MLX has a GPU. Without one PyTorch is several times
    faster (`python -m benchmarks.mlx_vs_torch`): all of its operations use every core, and its convolutions need no
    im2col.
    """
    if is_package(source):
        return "coreml"
    if unavailable("torch"):
        return "mlx"
    if unavailable("mlx"):
        return "torch"
    from mlx_vader.backends.mlx import has_gpu

    return "mlx" if has_gpu() else "torch"


def is_package(source: Source) -> bool:
    """Whether the source is a Core ML package, by its name."""
    return isinstance(source, str | Path) and Path(source).suffix in {".mlpackage", ".mlmodelc"}
