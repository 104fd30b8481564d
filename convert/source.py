"""What a package is made from: a twin with its weights, and all that is known of them."""

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.quiet import quiet

if TYPE_CHECKING:
    import torch

    from mlx_vader.models.base import Network
    from torch_ref.models.base import Network as TorchNetwork


@dataclass(frozen=True)
class TwinSource:
    """What a package is made from. `checkpoint_sha256` is the file's; empty for a network in memory."""

    network: str
    twin: "TorchNetwork"
    spec: dict[str, Any]
    provenance: dict[str, str] = field(default_factory=dict)
    checkpoint_sha256: str = ""
    step: int = 0


def open_source(net_or_checkpoint: "Network | str | Path") -> TwinSource:
    """The twin with its weights, and all that is known of them."""
    with quiet():
        from convert.weights import twin
        from mlx_vader import checkpoints
        from mlx_vader.models.base import Network
        from mlx_vader.models.registry import name_of

    if isinstance(net_or_checkpoint, Network):
        return TwinSource(name_of(net_or_checkpoint), twin(net_or_checkpoint), asdict(net_or_checkpoint.spec))
    path = checkpoints.resolve(net_or_checkpoint)
    checkpoint = checkpoints.read(path)
    return TwinSource(
        checkpoint.network,
        twin(checkpoint.network_with_weights()),
        asdict(checkpoint.spec),
        checkpoint.provenance,
        checkpoints.fingerprint(path),
        checkpoint.step,
    )


def weights_sha256(twin: "torch.nn.Module") -> str:
    """A hash of a twin's weights: the same for the same numbers, whatever file they came in."""
    digest = hashlib.sha256()
    for name, weight in sorted(twin.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
