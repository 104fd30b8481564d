"""`realtime` against v1's composite, both `base`: frames per second on this machine, measured by turns in one run.

python -m benchmarks.realtime_vs_v1 [--backend torch] [--frames 16]
"""

import argparse
import tempfile
from pathlib import Path
from typing import NamedTuple

from convert.shapes import Size
from mlx_vader.bench.session import Configuration, all_rows, run

SIZES = {"256": Size(256, 256), "720p": Size(720, 1280)}


class Pair(NamedTuple):
    """One size: the frame rates of both networks alone, and where they ran."""

    size: str
    v1: float
    realtime: float
    unit: str


def measure(backend: str, frames: int) -> list[Pair]:
    """Both networks at each size, with random weights. Raises SystemExit when one cannot run."""
    from mlx_vader import checkpoints
    from mlx_vader.models.registry import build

    with tempfile.TemporaryDirectory() as folder:
        paths = [
            checkpoints.save(Path(folder) / f"{name}.safetensors", build(name, "base"))
            for name in ("composite", "realtime")
        ]
        rows = all_rows(
            run(
                [
                    Configuration(name, size, backend, "", str(path))
                    for name, size in SIZES.items()
                    for path in paths
                ],
                frames=frames,
            )
        )
    return [
        Pair(v1["res"], v1["fps"], realtime["fps"], realtime["unit"])
        for v1, realtime in zip(rows[::2], rows[1::2], strict=True)
    ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--backend", default="torch", help="mlx or torch")
    parser.add_argument("--frames", type=int, default=16)
    given = parser.parse_args()
    pairs = measure(given.backend, given.frames)
    print(f"| {given.backend} on {pairs[0].unit} | composite, base | realtime, base | ratio |")
    print("|---|---:|---:|---:|")
    for pair in pairs:
        ratio = pair.realtime / pair.v1
        print(f"| {pair.size} | {pair.v1:.2f} FPS | {pair.realtime:.2f} FPS | {ratio:.1f} |")


if __name__ == "__main__":
    main()
