"""Where a package is written: the name is checked before work begins; a package that failed is kept beside it."""

import shutil
from pathlib import Path

from mlx_vader.errors import UsageError


def check_name(out: Path) -> None:
    """Raises `UsageError` where no package can be written or something else would be overwritten."""
    if out.suffix != ".mlpackage":
        raise UsageError(f"{out} is no name for a package", hint=f"call it {out.with_suffix('.mlpackage')}")
    if not out.parent.is_dir():
        raise UsageError(f"there is no folder {out.parent}", hint=f"make it: mkdir -p {out.parent}")
    if out.exists() and not (out / "Manifest.json").is_file():
        raise UsageError(f"{out} exists and is not a Core ML package", hint="choose another name")


def rejected_path(out: Path) -> Path:
    """Where a package that failed is kept: `X.mlpackage.rejected`, beside where it should have been."""
    return out.with_name(f"{out.name}.rejected")


def reject(package: Path, out: Path) -> Path:
    """Keeps a package that failed. Returns its path."""
    rejected = rejected_path(out)
    shutil.rmtree(rejected, ignore_errors=True)
    return package.rename(rejected)
