"""Trains a network that comes with the package, part by part, and puts it there: the weights in half precision.

python scripts/ship.py realtime                                     goes on where it was stopped
python scripts/ship.py realtime --checkpoint runs/mine/best.safetensors       trains nothing
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np

from mlx_vader import checkpoints
from mlx_vader.cli import run
from mlx_vader.training.trainer import BEST, STATE

#: What a package on PyPI may weigh for each network.
LARGEST = 8 * 2**20

#: Name → the options of its parts of `vader-mlx train`. Each part starts from the best weights of the one before.
PARTS: dict[str, tuple[str, ...]] = {
    "realtime": (
        # Many small single frames; then larger ones in pairs; then clips, for the memory.
        (
            "--net realtime --preset base --seed 1 --steps 4000 --size 96 --batch-size 32 --clip-length 1 --before 0"
            " --echo 4 --losses mask=0.02"
        ),
        (
            "--seed 2 --steps 3300 --lr 0.015 --size 128 --batch-size 24 --clip-length 2 --before 0"
            " --echo 4 --losses mask=0.03"
        ),
        (
            "--seed 3 --steps 2900 --lr 0.008 --size 128 --batch-size 12 --clip-length 3 --before 3"
            " --echo 4 --losses mask=0.03"
        ),
    ),
    "degradations": (
        # From the network for everything, without overlays: beside them faint corrections are hardly learned.
        (
            "--init realtime --artifacts degradations --seed 4 --steps 1500 --lr 0.008 --size 128 --batch-size 16"
            " --clip-length 2 --before 2 --echo 4"
        ),
    ),
    "quality": (
        # It costs several times as much a pixel, and begins with smaller pictures.
        "--net composite --preset base --seed 1 --steps 2000 --size 64 --batch-size 16 --clip-length 1 --before 0",
        "--seed 2 --steps 2000 --lr 0.015 --size 96 --batch-size 16 --clip-length 1 --before 1",
    ),
}
ALWAYS = "--data data --logos data/logos --warmup 100 --bf16 --validate-every 250"


def trained(name: str, runs: Path) -> Path:
    """The last part's best weights. Raises SystemExit when a part is interrupted; the next call goes on."""
    best: Path | None = None
    for number, options in enumerate(PARTS[name], 1):
        out = runs / f"{name}-{number}"
        if (out / STATE).exists():
            arguments = ["train", "--resume", str(out)]
        else:
            start = ["--init", str(best)] if best else []
            arguments = ["train", *ALWAYS.split(), *options.split(), *start, "--out", str(out)]
        sys.argv = ["vader-mlx", *arguments]  # what the checkpoint says it was made by
        print(*sys.argv, file=sys.stderr)
        if code := run(arguments):
            raise SystemExit(code)
        best = out / BEST
    assert best is not None
    return best


def ship(source: Path, name: str) -> Path:
    """Writes `mlx_vader/weights/NAME.safetensors`. Raises SystemExit where it would be too large."""
    trained = checkpoints.read(source)
    shipped = dataclasses.replace(
        trained,
        weights={key: weight.astype(np.float16) for key, weight in trained.weights.items()},
        provenance={**trained.provenance, "author": "vader-mlx", "licence": "MIT"},
    )
    size = sum(weight.nbytes for weight in shipped.weights.values())
    if size > LARGEST:
        raise SystemExit(f"{size / 2**20:.1f} MiB are more than {LARGEST / 2**20:.0f}")
    return checkpoints.write(shipped, checkpoints.SHIPPED / f"{name}.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name", choices=PARTS, help="what `load` and `-c` call it")
    parser.add_argument("--checkpoint", type=Path, help="what to ship, without training")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where the runs are kept")
    given = parser.parse_args()
    print(ship(given.checkpoint or trained(given.name, given.runs), given.name))
