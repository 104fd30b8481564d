"""The emulator against the torch twin at one size: the same network as a package and as a module, measured by turns.

python -m benchmarks.emulator [--checkpoint default] [--shape 256] [--frames 12]

The ratio is what counts: the emulator should take at most 1.5 times the twin's time in half precision. Run it on an
idle machine; where others compute too, only the ratio means something, and that roughly.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from convert.emulator import EmulatedModel


def measure(checkpoint: str, shape: str, frames: int) -> dict[str, list[float]]:
    """Seconds of each frame, by what computed it."""
    from convert import convert
    from convert.coreml import open_source
    from convert.emulator import EmulatedModel
    from convert.shapes import parse_shapes

    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "net.mlpackage"
        convert(checkpoint, package, shapes=shape)
        twin = open_source(checkpoint).twin
        size = parse_shapes(shape, stride=twin.stride).default
        rivals = {"twin": _twin(twin, size)}
        for precision in ("fp32", "fp16"):
            rivals[f"emulator {precision}"] = _emulator(EmulatedModel(package, precision=precision), size)
        seconds: dict[str, list[float]] = {name: [] for name in rivals}
        for frame in range(frames + 1):
            for name, step in rivals.items():
                started = time.perf_counter()
                step()
                if frame:
                    seconds[name].append(time.perf_counter() - started)
        return seconds


def _twin(twin: torch.nn.Module, size: tuple[int, int]) -> Callable[[], object]:
    frame = torch.rand(1, 1, 3, *size)
    state = {name: torch.zeros(1, *shape) for name, shape in twin.state_spec(*size).items()}

    def step() -> object:
        with torch.inference_mode():
            return twin(frame, state)

    return step


def _emulator(model: "EmulatedModel", size: tuple[int, int]) -> Callable[[], object]:
    data = {feature.name: np.zeros(feature.shape, np.float16) for feature in model.inputs}
    data["frames"] = np.random.default_rng(0).random((1, 3, *size), np.float32).astype(np.float16)
    return lambda: model.predict(data)


def main() -> None:
    """Prints the table."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--shape", default="256")
    parser.add_argument("--frames", type=int, default=12)
    arguments = parser.parse_args()
    seconds = measure(arguments.checkpoint, arguments.shape, arguments.frames)
    title = f"{arguments.checkpoint} at {arguments.shape}, PyTorch on {torch.get_num_threads()} CPU threads"
    table = Table("", title=title, title_justify="left", box=SIMPLE)
    for column in ("ms, fastest", "ms, median", "fastest / twin", "median / twin"):
        table.add_column(column, justify="right")
    for name, of in seconds.items():
        least, middle = min(of), statistics.median(of)
        ratios = least / min(seconds["twin"]), middle / statistics.median(seconds["twin"])
        table.add_row(
            name, f"{least * 1e3:.1f}", f"{middle * 1e3:.1f}", *(f"{ratio:.2f}" for ratio in ratios)
        )
    Console().print(table)


if __name__ == "__main__":
    main()
