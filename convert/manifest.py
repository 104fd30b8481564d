"""The folder that an `.mlpackage` is: its manifest, which names its files, and where these lie.

Source of the format: coremltools' `modelpackage/src/ModelPackage.cpp`. Files are in `Data`, and nowhere else.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlx_vader.errors import VaderError
from mlx_vader.untrusted import parse_json

#: The one version of the format that there has been.
VERSION = "1.0.0"
#: Protobuf takes no longer message.
MOST_BYTES = 2**31

#: What to do about a damaged package.
COPY_AGAIN = "copy or convert it again"


@dataclass(frozen=True)
class _Item:
    path: str


@dataclass(frozen=True)
class _Manifest:
    """Apple's names."""

    fileFormatVersion: str  # noqa: N815
    itemInfoEntries: dict[str, _Item]  # noqa: N815
    rootModelIdentifier: str  # noqa: N815


def model_file(package: Path) -> Path:
    """Where the protobuf `Model` of a package is. Raises `VaderError` for what is no package or is damaged."""
    file = package / "Manifest.json"
    if not file.is_file():
        raise VaderError(
            f"{package} is not a Core ML package", hint="make one with: vader-mlx convert --to coreml"
        )
    what = f"the manifest of {package} is damaged"
    manifest: _Manifest = parse_json(_content(file), _Manifest, what, COPY_AGAIN, extra="ignore")
    if manifest.fileFormatVersion != VERSION:
        raise VaderError(
            f"{package} is of version {manifest.fileFormatVersion!r} of the format",
            hint=f"{VERSION} can be read",
        )
    root = manifest.itemInfoEntries.get(manifest.rootModelIdentifier)
    if root is None:
        raise VaderError(f"{what}: it names no model", COPY_AGAIN)
    return within(package, root.path)


def within(package: Path, name: str) -> Path:
    """The path of a file in a package's `Data`. Raises `VaderError` for a name that leads out of it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise VaderError(f"{package} names a file outside itself: {name!r}", hint="do not trust this package")
    return package / "Data" / path


def read_model(package: Path) -> bytes:
    """The protobuf `Model` of a package. Raises `VaderError` where it cannot be read."""
    return _content(model_file(package))


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise VaderError(f"{path} is too large", hint="no part of a package but its weights is")
        return path.read_bytes()
    except OSError as error:
        raise VaderError(f"{path} cannot be read: {error.strerror}", COPY_AGAIN) from error
