"""What to measure, as the command line and the library say it."""

from dataclasses import dataclass
from pathlib import Path

from mlx_vader.errors import UsageError, choices
from mlx_vader.options import documented, option
from mlx_vader.shipped import TAKEN

#: Core ML's.
UNITS = ("all", "cpuAndGPU", "cpuAndNeuralEngine", "cpuOnly")


@documented
@dataclass(frozen=True)
class BenchOptions:
    """Which sizes and backends are measured, on what, and how long."""

    res: tuple[str, ...] = option(
        ("256", "512", "720p"), help="256, 720p or HEIGHTxWIDTH; may be repeated.", flags=("--res",)
    )
    backend: tuple[str, ...] = option(("auto",), help="auto, mlx, torch or coreml; may be repeated.")
    compute_units: tuple[str, ...] = option(
        UNITS, help=f"Core ML's: {', '.join(UNITS)}; may be repeated.", unsaid="each of them"
    )
    checkpoint: str = option("default", help=f"{TAKEN} or a .mlpackage.", flags=("--checkpoint", "-c"))
    input: Path | None = option(None, help="The video to take frames from.", flags=("--input", "-i"))
    frames: int = option(48, help="Frames to measure at each size.", least=4)
    time_limit: float = option(600, help="Seconds that a step may take.", least=1)

    def __post_init__(self) -> None:
        if unknown := [unit for unit in self.compute_units if unit not in UNITS]:
            raise UsageError(f"there are no compute units {unknown[0]!r}", hint=choices(unknown[0], UNITS))
