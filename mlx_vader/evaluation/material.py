"""The files that overlays are drawn from."""

from pathlib import Path
from typing import NamedTuple

from mlx_vader.errors import VaderError


class Material(NamedTuple):
    """`logos`: a folder of images with alpha. `drawings` and `fonts`: those of the suite `foreign`."""

    logos: Path | None = None
    drawings: tuple[Path, ...] = ()
    fonts: tuple[Path, ...] = ()


def find_foreign(folder: Path) -> Material:
    """The drawings and fonts in a folder. Raises VaderError where there are none."""
    drawings = tuple(sorted((folder / "drawings").glob("*.png")))
    fonts = tuple(sorted(path for end in ("ttf", "otf") for path in (folder / "fonts").glob(f"*.{end}")))
    if not drawings or not fonts:
        raise VaderError(
            f"{folder} lacks the drawings and fonts of the suite foreign",
            hint="python scripts/fetch_data.py -o data gets them; --foreign DIR names another folder",
        )
    return Material(drawings=drawings, fonts=fonts)
