"""Weights between MLX and PyTorch, and from published checkpoint files."""

from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlx_vader.checkpoints import Checkpoint
from mlx_vader.errors import VaderError, missing

if TYPE_CHECKING:
    import torch

    from mlx_vader.models.base import Network as MlxNetwork
    from torch_ref.models.base import Network as TorchNetwork


def build_twin(network: str, spec: Any) -> "TorchNetwork":
    """The PyTorch network of a registry name, with fresh weights."""
    from mlx_vader.models import registry

    module, name = registry.entry(network).twin
    return getattr(import_module(module), name)(spec)


def twin(net: "MlxNetwork") -> "TorchNetwork":
    """The PyTorch reference of an MLX network, with a copy of its weights, in evaluation mode."""
    from mlx_vader.layout import to_torch_layout
    from mlx_vader.models import registry

    return _filled(build_twin(registry.name_of(net), net.spec), to_torch_layout(net))


def twin_of(checkpoint: Checkpoint) -> "TorchNetwork":
    """The PyTorch reference of a checkpoint, in evaluation mode."""
    return _filled(build_twin(checkpoint.network, checkpoint.spec), checkpoint.weights)


def _filled(module: "TorchNetwork", weights: dict[str, np.ndarray]) -> "TorchNetwork":
    import torch

    module.load_state_dict({name: torch.from_numpy(np.array(w, np.float32)) for name, w in weights.items()})
    return module.eval().requires_grad_(False)


def import_published(path: str | Path) -> Checkpoint:
    """Reads a published v1 checkpoint (`nafunet.pt`, `composite.pt`, `nafunet_widescale.pt`).

    Such a file is a dict of `model_state_dict`, `step` and `config`; it is unpickled with `weights_only=True`, which
    runs no code. Raises `VaderError` if it is something else.
    """
    from torch import Tensor

    content = unpickle(Path(path))
    state = content.get("model_state_dict", content) if isinstance(content, dict) else None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise VaderError(
            f"{path} holds no weights", hint="expected a dict with 'model_state_dict' and 'config'"
        )
    config = content.get("config") or {}
    network, spec = _published(state, config, path)
    module = build_twin(network, spec)
    missing, unexpected = module.load_state_dict(state, strict=False)
    if missing or unexpected:
        raise VaderError(
            f"{path} does not fit {network}: {(missing or unexpected)[0]!r} is {'missing' if missing else 'unknown'}"
        )
    weights = {name: value.float().numpy() for name, value in module.state_dict().items()}
    provenance = {"source": Path(path).name, "licence": "the publisher's", "config": str(config)}
    return Checkpoint(network, spec, weights, int(content.get("step") or 0), provenance)


def _published(state: "dict[str, torch.Tensor]", config: dict[str, Any], path: str | Path) -> tuple[str, Any]:
    """The network that the keys belong to, and its spec. Each network knows its own published checkpoints."""
    from mlx_vader.models.registry import NETWORKS

    shapes = {name: tuple(value.shape) for name, value in state.items()}
    for name, entry in NETWORKS.items():
        spec = entry.network.published_spec(shapes, config)
        if spec is not None:
            return name, spec
    raise VaderError(f"{path} holds weights of an unknown network", hint=f"known are {', '.join(NETWORKS)}")


def unpickle(path: Path, content: BytesIO | None = None) -> Any:
    """`torch.load` of tensors and plain containers only. Raises `VaderError` for a file that is anything else.

    `content`: what to read where `path` is only the origin that errors name.
    """
    import torch

    if not path.exists():
        raise missing(path)
    try:
        return torch.load(content or path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise VaderError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # torch raises many kinds for damaged files and for pickles that hold code
        raise VaderError(
            f"{path} is not a PyTorch checkpoint of plain tensors",
            hint="it is damaged, or it would run code when opened",
        ) from error
