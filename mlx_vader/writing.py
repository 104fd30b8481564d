"""Writing that is all or nothing: a file or a folder is made beside its target and renamed when it is complete.

Whoever looks at the target sees what stood there before or what is finished, also after a power cut. What cannot be
written is one line: `VaderError` with the reason and a way out.
"""

import errno
import glob
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_vader.errors import UsageError, VaderError

#: Stands in the name of whatever is not finished; such files are never listed as media.
PARTIAL_MARK = ".vader-part-"
#: Of a name, on all usual file systems.
MOST_NAME_BYTES = 255


def partial_path(target: Path) -> Path:
    """An unused name beside `target` with the same suffix, no longer than file systems allow."""
    return target.with_name(_partial_name(target, secrets.token_hex(4)))


def _partial_name(target: Path, token: str) -> str:
    mark = f"{PARTIAL_MARK}{token}{target.suffix}"
    room = MOST_NAME_BYTES - len(os.fsencode(mark)) - 1
    return f".{shortened(target.stem, room)}{mark}"


def companion(target: Path, suffix: str) -> Path:
    """The hidden name beside `target` that ends in `suffix`; the same each time, and another target's is another."""
    name = f".{target.name}{suffix}"
    if len(os.fsencode(name)) > MOST_NAME_BYTES:
        # What is cut off would tell long names apart.
        mark = f"-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:12]}{suffix}"
        name = f".{shortened(target.name, MOST_NAME_BYTES - len(os.fsencode(mark)) - 1)}{mark}"
    return target.with_name(name)


def shortened(name: str, most_bytes: int) -> str:
    """The beginning of a name that takes at most so many bytes on the disk; no character is cut in two."""
    return os.fsencode(name)[: max(0, most_bytes)].decode("utf-8", "ignore")


def remove_unfinished(target: Path) -> None:
    """Removes what killed processes left of `target`. Only the one process that writes it now may call this."""
    before, after = _partial_name(target, "x" * 8).rsplit("x" * 8, 1)
    for leftover in target.parent.glob(f"{glob.escape(before)}*{glob.escape(after)}"):
        leftover.unlink(missing_ok=True)


@contextmanager
def written_beside(target: Path, *, durable: bool = True) -> Iterator[Path]:
    """A path beside `target` to write a file to. It becomes `target` on success and vanishes otherwise.

    Where `target` is a link, it stays one, and what it leads to is replaced. `durable`: the file is on the disk when
    this ends; without, a power cut may damage it.
    """
    target = target.resolve() if target.is_symlink() else target
    partial = partial_path(target)
    try:
        yield partial
        if durable:
            _flush_to_disk(partial)
        partial.replace(target)
        if durable:
            _flush_to_disk(target.parent)
    except OSError as error:
        raise write_failure(target, error) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def folder_written_beside(target: Path) -> Iterator[Path]:
    """A path beside `target` to make a folder at. It becomes `target` on success and vanishes otherwise.

    A folder that stood there is removed when the new one is in its place, and stays where that fails. A link stays one.
    """
    target = target.resolve() if target.is_symlink() else target
    partial, previous = partial_path(target), partial_path(target)
    try:
        yield partial
        for path in sorted(partial.rglob("*")):
            if not path.is_symlink():  # it may lead nowhere
                _flush_to_disk(path)
        if target.exists():
            target.rename(previous)
        partial.rename(target)
        _flush_to_disk(target.parent)
    except OSError as error:
        raise write_failure(target, error) from error
    finally:
        if previous.exists() and not target.exists():
            previous.rename(target)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target`, on the same disk, removed in the end."""
    folder = partial_path(target.with_suffix(""))
    try:
        folder.mkdir()
    except OSError as error:
        raise write_failure(target, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_writable(target: Path) -> None:
    """Raises `UsageError` where `write_file` is going to fail, as far as can be known before work begins."""
    if target.is_dir():
        raise UsageError(f"{target} is a folder", hint="name the file to write in it")
    place = next(folder for folder in target.absolute().parents if folder.exists())
    if not place.is_dir():
        raise UsageError(f"{target} cannot be written: {place} is a file", hint="choose another place")
    if not os.access(place, os.W_OK | os.X_OK):
        raise UsageError(f"the folder {place} cannot be written to", hint="choose another place")


def write_file(target: Path, content: bytes, *, durable: bool = True) -> None:
    """Writes a whole file; folders on the way are made. Raises `VaderError` where that is not possible.

    `durable`: see `written_beside`.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failure(target, error) from error
    with written_beside(target, durable=durable) as partial:
        partial.write_bytes(content)


def check_folder(folder: Path) -> None:
    """Makes the folder where there is none. Raises `VaderError` where no file can be made in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise write_failure(folder, error) from error


def write_failure(target: Path, error: OSError) -> VaderError:
    """Why `target` could not be written, in one line."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return VaderError(f"no space left to write {target}", hint="free some space or choose another disk")
    if error.errno == errno.EFBIG:
        return VaderError(
            f"{target} grew larger than this system allows", hint="check `ulimit -f` or the file system"
        )
    reason = error.strerror or str(error)
    return VaderError(f"{target} cannot be written: {reason}", hint="is the folder there and writable?")


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
