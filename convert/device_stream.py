"""`python -m convert.device_stream PACKAGE UNITS INPUTS.npz STREAM.npz`: a stream through Core ML itself.

A program of its own because the first prediction can kill the process, and a load can hang (apple/coremltools #2758,
#2367).
"""

import sys
from pathlib import Path

import numpy as np

from convert.facts import PackageFacts
from convert.running import PackageRunner, opener
from convert.verify import run_stream
from mlx_vader.errors import VaderError


def main(package: str, units: str, inputs: str, stream: str) -> None:
    """Runs the frames one by one and saves outputs and states after each."""
    path = Path(package)
    runner = PackageRunner(PackageFacts.read(path), opener(path, units))
    with np.load(inputs) as given:
        np.savez(stream, **run_stream(runner, dict(given)))  # type: ignore[arg-type]


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except VaderError as error:
        sys.exit(error.message)
