"""MLX against PyTorch at 256x256: frames per second of the same weights, measured by turns in one run.

python -m benchmarks.mlx_vs_torch [--preset small] [--frames 48]
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from convert.shapes import Size
from mlx_vader.bench.session import Configuration, all_rows, run

SIZE = Size(256, 256)


def measure(preset: str, frames: int) -> list[dict[str, Any]]:
    """For each network the frames per second of both, and MLX's over PyTorch's."""
    from mlx_vader import checkpoints
    from mlx_vader.models.registry import NETWORKS, build, make_spec

    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for name in filter(lambda name: make_spec(name).interface.restores, NETWORKS):
            path = checkpoints.save(Path(folder) / f"{name}.safetensors", build(name, preset))
            pair = [Configuration("256", SIZE, backend, "", str(path)) for backend in ("mlx", "torch")]
            result = run(pair, frames=frames)
            mlx, torch = all_rows(result)
            rows.append(
                {
                    "network": f"{name}-{preset}",
                    "mlx_fps": mlx["fps"],
                    "torch_fps": torch["fps"],
                    "mlx_ms_p50": mlx["latency_ms_p50"],
                    "torch_ms_p50": torch["latency_ms_p50"],
                    "ratio": mlx["fps"] / torch["fps"],
                    "device": f"{result['device']}: MLX on {mlx['unit']}, PyTorch on {torch['unit']}",
                }
            )
    return rows


def main() -> None:
    """Prints the table."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--frames", type=int, default=48)
    arguments = parser.parse_args()
    rows = measure(arguments.preset, arguments.frames)
    title = f"256x256, same weights, measured by turns\n{rows[0]['device']}"
    table = Table("network", title=title, title_justify="left", box=SIMPLE)
    for name in ("MLX FPS", "PyTorch FPS", "MLX ms", "PyTorch ms", "MLX / PyTorch"):
        table.add_column(name, justify="right")
    for row in rows:
        figures = (row["mlx_fps"], row["torch_fps"], row["mlx_ms_p50"], row["torch_ms_p50"])
        table.add_row(row["network"], *(f"{figure:.1f}" for figure in figures), f"{row['ratio']:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
