"""Writing that is all or nothing: a file or a folder is made beside its target and renamed when it is complete.

Whoever looks at the target sees what stood there before or what is finished, also after a power cut. What cannot be
written is one line: `VaderError` with the reason and a way out.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_vader.errors import VaderError

#: Stands in the name of whatever is not finished; such files are never listed as media.
PARTIAL_MARK = ".vader-part-"


def partial_path(target: Path) -> Path:
    """An unused name beside `target` with the same suffix."""
    return target.with_name(f".{target.stem}{PARTIAL_MARK}{secrets.token_hex(4)}{target.suffix}")


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """A path beside `target` to write a file to. It becomes `target` on success and vanishes otherwise."""
    partial = partial_path(target)
    try:
        yield partial
        _flush_to_disk(partial)
        partial.replace(target)
        _flush_to_disk(target.parent)
    except OSError as error:
        raise write_failure(target, error) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def folder_written_beside(target: Path) -> Iterator[Path]:
    """A path beside `target` to make a folder at. It becomes `target` on success and vanishes otherwise.

    A folder that stood there is removed when the new one is in its place, and stays where that fails.
    """
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


def write_file(target: Path, content: bytes) -> None:
    """Writes a whole file; folders on the way are made. Raises `VaderError` where that is not possible."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failure(target, error) from error
    with written_beside(target) as partial:
        partial.write_bytes(content)


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
