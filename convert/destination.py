"""Where a package is written: its name is checked first, and it appears under it when it is complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlx_vader.errors import UsageError, VaderError


def check_name(out: Path) -> None:
    """Raises `UsageError` where no package can be written or something else would be overwritten."""
    if out.suffix != ".mlpackage":
        raise UsageError(f"{out} is no name for a package", hint=f"call it {out.with_suffix('.mlpackage')}")
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}", hint=f"make it: mkdir -p {out.parent}")
    if out.exists() and not (out / "Manifest.json").is_file():
        raise UsageError(f"{out} exists and is not a Core ML package", hint="choose another name")


def reject(package: Path, out: Path) -> Path:
    """Keeps a package that failed, as `X.mlpackage.rejected` beside where it should have been. Returns its path."""
    rejected = out.with_name(f"{out.name}.rejected")
    shutil.rmtree(rejected, ignore_errors=True)
    return package.rename(rejected)


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A name beside `out` to write to. It becomes `out` when the body succeeds and vanishes when it fails."""
    partial = out.with_name(f".{out.stem}.{os.getpid()}.partial.mlpackage")
    previous = out.with_name(f".{out.stem}.{os.getpid()}.previous.mlpackage")
    try:
        yield partial
        if out.exists():
            out.rename(previous)
        partial.rename(out)
    except OSError as error:
        raise VaderError(
            f"cannot write {out}: {error.strerror or error}", hint="is the disk full or read-only?"
        ) from error
    finally:
        if previous.exists() and not out.exists():
            previous.rename(out)
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(previous, ignore_errors=True)
