"""Nothing that a run reads is written by it, and no two of its results go to one place: checked before work begins.

Paths are compared by where they lead, through links of either kind, so that `./a.mp4`, a symbolic link to it and a hard
link to it are one.
"""

import os
import sys
import unicodedata
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path

from mlx_vader.errors import UsageError

_HINT = "give the result another name or folder"


def check_overwriting(
    reads: Iterable[str | os.PathLike[str] | None],
    writes: Iterable[str | os.PathLike[str] | None],
    *,
    replaced_folders: Iterable[str | os.PathLike[str] | None] = (),
) -> None:
    """Raises `UsageError` where a run would overwrite what it reads, or one of its results by another.

    `reads`: files, and folders of which every file may be read. `writes`: files. `replaced_folders`: folders, such as
    packages, that are replaced or removed with all that is in them. What is None is not used, "-" is stdout; devices
    and pipes cannot be overwritten.
    """
    # What is read exists, and is known by its number; only what exists can be overwritten.
    read = {number: path for given in _paths(reads) for path in _files(given) if (number := _number(path))}
    folders = {_resolved(folder): folder for folder in _paths(replaced_folders)}
    results = [*_paths(writes), *folders.values()]
    written: set[Hashable] = set()
    for result in results:
        place, number = _folded(_resolved(result)), _number(result)
        if number in read:
            raise UsageError(f"{result} would be overwritten{_also(result, read[number])}", hint=_HINT)
        if place in written or number in written:
            raise UsageError(f"two results would both be written to {result}", hint=_HINT)
        written |= {place, number} if number else {place}
    inputs = read.values() if any(folder.exists() for folder in folders.values()) else ()
    for path in (*inputs, *results):
        if outer := next((folders[place] for place in _resolved(path).parents if place in folders), None):
            raise UsageError(f"{outer} would be replaced, and with it {path}", hint=_HINT)


def _also(result: Path, read: Path) -> str:
    return ", which is read" if read == result else f", which is {read}, and that is read"


def _paths(given: Iterable[str | os.PathLike[str] | None]) -> Iterator[Path]:
    for path in given:
        if path is not None and str(path) not in ("", "-") and not _is_device(Path(path)):
            yield Path(path)


def _is_device(path: Path) -> bool:
    try:
        return path.exists() and not (path.is_file() or path.is_dir())
    except OSError:
        return False


def _files(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir():
        yield from path.rglob("*")


def _number(path: Path) -> tuple[int, int] | None:
    """What tells a file from all others on this machine; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return path.absolute()


def _folded(path: Path) -> str:
    """On macOS two names that differ in case, or in how accents are written, are one."""
    return unicodedata.normalize("NFD", str(path)).casefold() if sys.platform == "darwin" else str(path)
