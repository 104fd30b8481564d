"""Makes a tiny package and predicts with it: `python -m mlx_vader.doctor.core_ml FOLDER`.

In a process of its own: the first prediction can take the process down.
"""

import sys
from pathlib import Path

import numpy as np

from convert.coreml import open_source, write_package
from mlx_vader.backends import load_backend, restore
from mlx_vader.models.registry import build


def main(folder: str) -> None:
    """Raises an error where a package cannot be made, or does not predict numbers."""
    package = Path(folder) / "tiny.mlpackage"
    write_package(open_source(build("realtime", "tiny")), package, shapes="64")
    restored = restore(load_backend("coreml", package), np.full((1, 64, 64, 3), 0.5, np.float32))
    if not np.isfinite(restored.frames).all():
        raise RuntimeError("the package predicts what is no number")


if __name__ == "__main__":
    main(sys.argv[1])
