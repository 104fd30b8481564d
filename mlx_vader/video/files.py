"""What lies on the disk: kinds of files, and checks before work begins."""

import os
from pathlib import Path

from mlx_vader.errors import UsageError, VaderError, missing
from mlx_vader.writing import PARTIAL_MARK

_VIDEO_SUFFIXES = frozenset({".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"})
_VIDEO_SUFFIXES |= {".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
#: Read and written with the extra `heic`.
HEIF = frozenset({".heic", ".heif"})
_IMAGE_SUFFIXES = HEIF | {".avif", ".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a video. A GIF counts as one: it moves."""
    return Path(path).suffix.lower() in _VIDEO_SUFFIXES


def is_image(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of a still image."""
    return Path(path).suffix.lower() in _IMAGE_SUFFIXES


def list_media(folder: str | os.PathLike[str]) -> list[Path]:
    """All videos and images below `folder`, sorted by path; hidden and unfinished files are left out."""
    return [path for path in list_files(folder) if is_video(path) or is_image(path)]


def list_files(folder: str | os.PathLike[str]) -> list[Path]:
    """All files below `folder`, sorted by path; hidden and unfinished ones are left out."""
    root = Path(folder)
    if not root.exists():
        raise missing(root)
    if not root.is_dir():
        raise VaderError(f"{root} is not a folder", hint="name a folder that holds videos or images")
    try:
        return sorted(
            path for path in root.rglob("*") if not _is_hidden(path.relative_to(root)) and path.is_file()
        )
    except OSError as error:
        raise VaderError(f"{root} cannot be listed: {error.strerror}") from error


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts) or PARTIAL_MARK in path.name


def check_source(path: str | os.PathLike[str]) -> Path:
    """The path, if it is a file with something in it that this user may read."""
    source = Path(path)
    try:
        if not source.exists():
            raise missing(source)
        if source.is_dir():
            raise VaderError(f"{source} is a folder", hint="name a file in it")
        if not source.is_file():
            raise VaderError(
                f"{source} is a pipe or a device",
                hint=f"it is read more than once, so make a file of it: cat '{source}' > copy.mp4",
            )
        source.open("rb").close()
        if source.stat().st_size == 0:
            raise VaderError(f"{source} is empty", hint="copy or download it again")
    except PermissionError as error:
        raise VaderError(f"{source} cannot be read", hint=f"allow it: chmod u+r '{source}'") from error
    except OSError as error:
        raise VaderError(f"{source} cannot be read: {error.strerror}") from error
    return source


def check_target(path: str | os.PathLike[str], source: str | os.PathLike[str] | None = None) -> Path:
    """The path, if a file can be written there that is not the source."""
    target = Path(path)
    try:
        _check_place(target)
        if source is not None and target.exists() and target.samefile(source):
            raise UsageError(f"{target} is the source itself", hint="give the result another name")
    except OSError as error:
        raise UsageError(
            f"{target} cannot be written: {error.strerror}", hint="choose another place"
        ) from error
    return target


def _check_place(target: Path) -> None:
    folder = target.parent
    if target.is_dir():
        raise UsageError(f"{target} is a folder", hint="name the file to write in it")
    if target.exists() and not target.is_file():
        raise UsageError(f"{target} is a pipe or a device", hint="name a file to write")
    if not folder.is_dir():
        raise UsageError(f"the folder {folder} does not exist", hint=f"make it: mkdir -p '{folder}'")
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise UsageError(f"the folder {folder} cannot be written to", hint="choose another place")
