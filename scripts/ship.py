"""Makes a shipped checkpoint of a run's: the same weights in half precision, with author and licence.

    python scripts/ship.py runs/realtime-2/best.safetensors realtime
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from mlx_vader import checkpoints

#: What a package on PyPI may weigh for each network.
LARGEST = 8 * 2**20


def ship(source: Path, name: str) -> Path:
    """Writes `mlx_vader/weights/NAME.safetensors`. Raises `SystemExit` where it would be too large."""
    checkpoint = checkpoints.read(source)
    shipped = dataclasses.replace(
        checkpoint,
        weights={key: value.astype(np.float16) for key, value in checkpoint.weights.items()},
        provenance={**checkpoint.provenance, "author": "vader-mlx", "licence": "MIT"},
    )
    size = sum(weight.nbytes for weight in shipped.weights.values())
    if size > LARGEST:
        raise SystemExit(f"{size / 2**20:.1f} MiB are more than {LARGEST / 2**20:.0f}")
    return checkpoints.write(shipped, checkpoints.SHIPPED / f"{name}.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path, help="a checkpoint, for example a run's best.safetensors")
    parser.add_argument("name", help="what `load` and `-c` will call it")
    given = parser.parse_args()
    print(ship(given.source, given.name))
