"""Which versions of packages are installed: they travel with every figure and every checkpoint."""

from collections.abc import Iterable

#: Of this package.
VERSION = "0.1.0"


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Versions by name, without those that are not installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
