"""Where a checkpoint comes from, as text that travels in it."""

import hashlib
import json

from mlx_vader.checkpoints import read
from mlx_vader.data import ClipSource, FolderSource
from mlx_vader.training.config import TrainConfig
from mlx_vader.versions import installed

PACKAGES = ("vader-mlx", "mlx", "numpy", "av", "pillow")


def provenance(config: TrainConfig, source: ClipSource, steps: int) -> dict[str, str]:
    """The command, the data, the seed, the length of the run and the versions that made the weights.

    `before`: the commands of the runs that it started from, the first one first.
    """
    versions = installed(PACKAGES)
    return {
        "command": config.command,
        "data": data_summary(source),
        "seed": str(config.seed),
        "steps": str(steps),
        "config": json.dumps(config.as_dict()),
        "versions": ", ".join(f"{name} {versions.get(name, '?')}" for name in PACKAGES),
        **({"before": _before(config.initial)} if config.initial else {}),
    }


def _before(initial: str) -> str:
    origin = read(initial)
    earlier = origin.provenance.get("before")
    command = origin.provenance.get("command", "unknown")
    return (f"{earlier}; then " if earlier else "") + f"{command} (step {origin.step})"


def data_summary(source: ClipSource) -> str:
    """The number of files and a hash of their names: the same data set gives the same text on every machine."""
    if not isinstance(source, FolderSource):
        return f"{len(source)} drawn scenes"
    names = sorted({file.name for file in source.files})
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    return f"{len(names)} files in {len(source)} items, SHA-256 of their names {digest}"
