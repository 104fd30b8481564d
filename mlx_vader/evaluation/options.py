"""What to evaluate, as the command line and the library say it."""

from dataclasses import dataclass
from pathlib import Path

from mlx_vader.options import documented, option, setting
from mlx_vader.shipped import TAKEN


@documented
@dataclass(frozen=True)
class EvaluateOptions:
    """Which networks are compared with which baselines, on what."""

    clips: tuple[Path, ...] = setting((), help="Videos, photographs, folders; none: the sample clips.")
    checkpoint: tuple[str, ...] = option(
        ("default",),
        help=f"{TAKEN} or a .mlpackage; may be repeated.",
        flags=("--checkpoint", "-c"),
    )
    backend: str = option("auto", help="Of the networks: auto, mlx, torch or coreml.")
    suite: str = option(
        "quick",
        help="quick, clean, overlays, noise, compression, codecs, tones, full, foreign, objects, "
        "dropouts, or artifacts; with commas between.",
    )
    method: tuple[str, ...] = option(
        (),
        help="Only this network or baseline; may be repeated; a wrong one lists them.",
        unsaid="all that work here",
    )
    frames: int = option(10, help="Frames of each clip, from its middle.", least=1)
    height: int = option(240, help="Taller clips are scaled down to so many lines; 0 leaves them.", least=0)
    logos: Path | None = option(None, help="Folder of images with alpha, for the logos.")
    foreign: Path = option(
        Path("data/foreign"),
        help="Folder of drawings and fonts for the suites foreign and objects, as fetch_data.py fills it.",
    )
