"""`python -m convert.device_stream PACKAGE UNITS FRAMES.npy STREAM.npz`: a stream through the backend `coreml`.

A program of its own because the first prediction can kill the process, and a load can hang (apple/coremltools #2758,
#2367).
"""

import sys
from pathlib import Path

import numpy as np

from convert.verify import run_stream
from mlx_vader.backends import load_backend
from mlx_vader.errors import VaderError


def main(package: str, units: str, frames: str, stream: str) -> None:
    """Restores the frames one by one and saves outputs and states after each."""
    backend = load_backend("coreml", Path(package), compute_units=units)
    np.savez(stream, **run_stream(backend, np.load(frames)))  # type: ignore[arg-type]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except VaderError as error:
        sys.exit(error.message)
