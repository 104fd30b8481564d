"""Telling in one short text whether a file, a folder or a network is still the same."""

import hashlib
from pathlib import Path

from mlx_vader.backends.base import Source
from mlx_vader.models.base import Network

#: Of a larger file the beginning, the end and the size are looked at: reading a film twice takes minutes.
_LOOKED_AT = 1 << 20


def identity(path: Path) -> str:
    """Of a file, or of all files in a folder."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(f"{file.relative_to(path)} {file.stat().st_size} ".encode())
            with file.open("rb") as content:
                digest.update(content.read(_LOOKED_AT))
                content.seek(max(0, file.stat().st_size - _LOOKED_AT))
                digest.update(content.read(_LOOKED_AT))
    return digest.hexdigest()[:16]


def network_identity(source: Source) -> str:
    """Of a checkpoint, a package, or the weights of a network."""
    if isinstance(source, Network):
        from mlx_vader.layout import to_torch_layout

        digest = hashlib.sha256(repr(source.spec).encode())
        for name, weights in sorted(to_torch_layout(source).items()):
            digest.update(name.encode() + weights.tobytes())
        return digest.hexdigest()[:16]
    path = Path(source)
    if path.is_dir():
        return identity(path)
    from mlx_vader.checkpoints import fingerprint, resolve

    return fingerprint(resolve(source))[:16]
