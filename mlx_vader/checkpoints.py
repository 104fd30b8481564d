"""A checkpoint is one .safetensors file: weights, the network's name and spec, and where they came from.

Weights have PyTorch's names and layout, in fp32 or fp16. Nothing is ever unpickled.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Interval

from mlx_vader.array_files import ArrayFile
from mlx_vader.errors import VaderError, choices, missing
from mlx_vader.shipped import DEFAULT
from mlx_vader.untrusted import parse_json
from mlx_vader.writing import write_file

if TYPE_CHECKING:
    from mlx_vader.models.base import Network

FORMAT = "vader-mlx-1"
SHIPPED = Path(__file__).parent / "weights"
#: In the folder of a training run: the averaged weights of its highest validation PSNR.
BEST = "best.safetensors"
#: How many updates made the weights.
Step = Annotated[int, Interval(ge=0, lt=2**53)]


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file. `provenance` holds text: data, seed, command, licence, versions."""

    network: str
    spec: Any
    weights: dict[str, np.ndarray] = field(repr=False)
    step: int = 0
    provenance: dict[str, str] = field(default_factory=dict)
    path: Path | None = None

    def network_with_weights(self) -> "Network":
        """The MLX network, ready to restore."""
        from mlx_vader.layout import load_torch_layout
        from mlx_vader.models import registry

        net: Network = registry.make(self.network, self.spec)
        load_torch_layout(net, self.weights)
        net.eval()
        return net


def shipped() -> dict[str, Path]:
    """The checkpoints that come with the package, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.safetensors"))}


def locate(name_or_path: str | Path) -> Path:
    """Where the weights of a shipped checkpoint ("default" is one of them), a training run's folder or a path lie.

    The path itself where there is nothing.
    """
    name = DEFAULT if str(name_or_path) == "default" else str(name_or_path)
    if name in shipped():
        return shipped()[name]
    path = Path(name).expanduser()
    return path / BEST if (path / BEST).is_file() else path


def resolve(name_or_path: str | Path) -> Path:
    """The file that `locate` names. Raises `VaderError` if there is none."""
    name, path = str(name_or_path), locate(name_or_path)
    if not path.exists():
        if path.name != name or path.suffix:
            raise missing(path)
        raise VaderError(f"no checkpoint {name}", hint=f"{choices(name, shipped())}, or a .safetensors file")
    if path.is_dir():
        raise VaderError(
            f"{path} holds no {BEST}", hint="name the folder of a training run, or a .safetensors file"
        )
    if not path.is_file():
        raise VaderError(f"{path} is not a file", hint="a checkpoint is one .safetensors file")
    return path


def label(path: Path) -> str:
    """What to call the weights of a file: by its name, and the best ones of a training run by the run's folder."""
    return path.absolute().parent.name if path.name == BEST else path.stem


def read(name_or_path: str | Path) -> Checkpoint:
    """Reads a checkpoint: its weights are those of its network, and finite.

    Raises `VaderError` for a file that is missing, damaged or from elsewhere. Nothing is allocated for a network that
    the file does not hold.
    """
    path = resolve(name_or_path)
    file = ArrayFile.open(
        path,
        f"{path} is not a checkpoint",
        f"is it a published .pt file? `vader-mlx import {path.name} -o NAME.safetensors` makes one of it",
    )
    if file.metadata.get("format") != FORMAT:
        raise VaderError(
            f"{path} was not written by vader-mlx",
            hint="bring it in with `vader-mlx import`, which names the network",
        )
    network, spec = _network_of(file)
    what = f"{path} is damaged"
    step = parse_json(file.metadata.get("step", "0"), Step, f"{what}: it holds no step")
    provenance = parse_json(
        file.metadata.get("provenance", "{}"), dict[str, str], f"{what}: its provenance is not text"
    )
    return Checkpoint(network, spec, file.arrays(), step, provenance, path)


def _network_of(file: ArrayFile) -> tuple[str, Any]:
    """Its name and spec. Raises `VaderError` unless the file's arrays are those of this network."""
    from mlx_vader.layout import torch_shapes
    from mlx_vader.models import registry

    what = f"{file.path} describes a network that this version cannot build"
    name, spec_text = file.metadata.get("network", ""), file.metadata.get("spec", "null")
    if name not in registry.NETWORKS:
        raise VaderError(f"{what}: {name!r}", hint=f"known are {', '.join(registry.NETWORKS)}")
    spec = parse_json(
        spec_text, registry.entry(name).spec, what, "it is damaged, or a newer version wrote it"
    )
    # MLX computes weights when they are asked for: of these only the shapes are.
    expected = torch_shapes(registry.make(name, spec))
    file.check(
        expected, f"{file.path} does not hold the weights of its {name}", "it is damaged: copy it again"
    )
    return name, spec


def load(name_or_path: str | Path = "default") -> "Network":
    """The network of a shipped checkpoint or a file, with its weights.

    >>> restored, mask, state = load("default")(frames, None)
    """
    return read(name_or_path).network_with_weights()


def save(
    path: str | Path,
    net: "Network",
    *,
    step: int = 0,
    provenance: Mapping[str, str] | None = None,
    half: bool = False,
) -> Path:
    """Writes a network's weights; `half` stores fp16. The file appears under its name only when it is complete."""
    from mlx_vader.layout import to_torch_layout
    from mlx_vader.models import registry

    weights = to_torch_layout(net)
    if half:
        weights = {name: value.astype(np.float16) for name, value in weights.items()}
    return write(
        Checkpoint(registry.name_of(net), net.spec, weights, step, dict(provenance or {})),
        path,
    )


def write(checkpoint: Checkpoint, path: str | Path) -> Path:
    """Writes a checkpoint atomically. Raises `VaderError` if the folder cannot be written or the disk is full."""
    from safetensors.numpy import save as serialise

    path = Path(path)
    metadata = {
        "format": FORMAT,
        "network": checkpoint.network,
        "spec": json.dumps(dataclasses.asdict(checkpoint.spec)),
        "step": str(checkpoint.step),
        "provenance": json.dumps(checkpoint.provenance),
    }
    weights = {name: np.asarray(value, order="C") for name, value in checkpoint.weights.items()}
    write_file(path, serialise(weights, metadata))
    return path


def fingerprint(path: Path) -> str:
    """The SHA-256 of a checkpoint file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
