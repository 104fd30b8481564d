"""Which media a folder holds, and which of them are for training and which for validation."""

import hashlib
from pathlib import Path
from typing import Literal

from mlx_vader.errors import VaderError, missing
from mlx_vader.video import list_media

Split = Literal["train", "val"]

#: One file in so many is for validation when the folder does not say.
VALIDATION_SHARE = 20
#: The folder of a data folder that holds cut-out pictures and no scenes.
OBJECTS = "objects"


def media_files(folder: Path, split: Split) -> list[Path]:
    """The split's video and image files, sorted by path; hidden files and folders are left out.

    A folder with `train/` and `val/` is taken at its word; any other is split by a hash of each file's name, so that
    a file keeps its side when others come or go. Raises VaderError when there is nothing to read.
    """
    if not folder.exists():
        raise missing(folder)
    if not folder.is_dir():
        raise VaderError(f"{folder} is not a folder", hint="give a folder of videos or images")
    if any((folder / name).is_dir() for name in ("train", "val")):
        return _found(folder / split)
    files = [file for file in _found(folder) if folder / OBJECTS not in file.parents]
    return split_by_name(files)[split]


def split_by_name(files: list[Path]) -> dict[Split, list[Path]]:
    """Both sides of a flat folder, about 1 in 20 to validation and at least one on each side."""
    if len(files) < 2:
        raise VaderError(
            f"{files[0]} is the only video or image: none is left for validation",
            hint="add a second one, or make the folders train/ and val/",
        )
    ranked = sorted(files, key=lambda file: (_rank(file), file))
    chosen = sum(_rank(file) % VALIDATION_SHARE == 0 for file in ranked)
    # A side that would be empty gets the file at the end of an order that does not change either.
    if chosen == 0:
        validation = {ranked[0]}
    elif chosen == len(files):
        validation = set(ranked[1:])
    else:
        validation = {file for file in ranked if _rank(file) % VALIDATION_SHARE == 0}
    return {
        "train": [file for file in files if file not in validation],
        "val": [file for file in files if file in validation],
    }


def _rank(file: Path) -> int:
    return int.from_bytes(hashlib.sha256(file.name.encode()).digest()[:8], "big")


def _found(folder: Path) -> list[Path]:
    files = list_media(folder) if folder.is_dir() else []
    if not files:
        raise VaderError(
            f"no video or image in {folder}",
            hint="a data folder holds media, or train/ and val/ with media; vader-mlx train --dummy needs none",
        )
    return files
