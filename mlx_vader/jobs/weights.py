"""What is known of a network's weights besides their values: which they are, and what they were trained on."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_vader import checkpoints
from mlx_vader.artifacts.registry import ARTIFACTS, GROUPS, parse_names
from mlx_vader.backends.registry import is_package
from mlx_vader.identity import identity
from mlx_vader.models.base import Network
from mlx_vader.untrusted import parse_json


@dataclass(frozen=True)
class _Trained:
    """What is read of a training's configuration."""

    artifacts: tuple[str, ...] = ()


def knows_overlays(checkpoint: Any) -> bool:
    """Whether the weights were trained on overlays, as far as their provenance tells; others are taken to be."""
    if isinstance(checkpoint, Network):
        return True
    config = _provenance(checkpoint).get("config", "{}")
    names = parse_json(
        config, _Trained, f"{checkpoint} does not say what it learned", extra="ignore"
    ).artifacts
    known = [name for name in names if name in ARTIFACTS or name in GROUPS]
    return not known or any(ARTIFACTS[name].kind == "overlay" for name in parse_names(known))


def _provenance(checkpoint: str | Path) -> dict[str, str]:
    """What is known of how weights came about."""
    if not is_package(checkpoint):
        return checkpoints.read(checkpoint).provenance
    from convert.package import read_spec

    metadata = read_spec(Path(checkpoint)).description.metadata.userDefined
    text = metadata.get("vader.provenance", "{}")
    known: dict[str, str] = parse_json(text, dict[str, str], f"{checkpoint} is damaged: its provenance")
    return known


def network_identity(source: Network | str | Path) -> str:
    """Of a checkpoint, a package, or the weights of a network: the same text for the same numbers."""
    if isinstance(source, Network):
        from mlx_vader.layout import to_torch_layout

        digest = hashlib.sha256(repr(source.spec).encode())
        for name, weights in sorted(to_torch_layout(source).items()):
            digest.update(name.encode() + weights.tobytes())
        return digest.hexdigest()[:16]
    path = Path(source)
    return identity(path) if is_package(path) else checkpoints.fingerprint(checkpoints.resolve(source))[:16]
