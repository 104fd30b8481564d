"""Weights between MLX and PyTorch, and from published checkpoint files."""

from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlx_vader.checkpoints import Checkpoint
from mlx_vader.errors import VaderError

if TYPE_CHECKING:
    import torch

    from mlx_vader.models.base import Network as MlxNetwork
    from torch_ref.models.base import Network as TorchNetwork


def build_twin(network: str, spec: Any) -> "TorchNetwork":
    """The PyTorch network of a registry name, with fresh weights."""
    from mlx_vader.models import registry

    module, name = registry.entry(network).twin.split(":")
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
    network = _published_network(state, path)
    spec = _published_spec(network, state, config)
    module = build_twin(network, spec)
    missing, unexpected = module.load_state_dict(state, strict=False)
    if missing or unexpected:
        raise VaderError(
            f"{path} does not fit {network}: {(missing or unexpected)[0]!r} is {'missing' if missing else 'unknown'}"
        )
    weights = {name: value.float().numpy() for name, value in module.state_dict().items()}
    provenance = {"source": Path(path).name, "licence": "the publisher's", "config": str(config)}
    return Checkpoint(network, spec, weights, int(content.get("step") or 0), provenance)


def unpickle(path: Path, content: BytesIO | None = None) -> Any:
    """`torch.load` of tensors and plain containers only. Raises `VaderError` for a file that is anything else.

    `content`: what to read where `path` is only the origin that errors name.
    """
    import torch

    try:
        return torch.load(content or path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise VaderError(f"cannot read {path}: {error.strerror}") from error
    except Exception as error:  # torch raises many kinds for damaged files and for pickles that hold code
        raise VaderError(
            f"{path} is not a PyTorch checkpoint of plain tensors",
            hint="it is damaged, or it would run code when opened",
        ) from error


def _published_network(state: "dict[str, torch.Tensor]", path: str | Path) -> str:
    """Which of the seeds' networks the keys belong to."""
    if "inpaint_head.0.weight" in state:
        return "composite"
    if "enc1.0.norm1.weight" in state:
        return "nafunet-lite"
    if "out_conv.0.weight" in state and "in_conv.weight" in state:
        return "nafunet"
    raise VaderError(f"{path} holds weights of an unknown network", hint="known are the seeds' v1 networks")


def _published_spec(network: str, state: "dict[str, torch.Tensor]", config: dict[str, Any]) -> Any:
    """The spec, read off the shapes; what shapes do not tell comes from the published config.

    The published networks have no memory; theirs stays off, because no weights were trained for one.
    """
    from mlx_vader.models import registry

    kind = registry.entry(network).spec
    channels = state["in_conv.weight"].shape[0]
    residual = bool(config.get("residual_learning", config.get("residual", False)))
    if network == "nafunet-lite":
        return kind(channels=channels, residual=residual)
    positions = next((value for name, value in state.items() if name.endswith("temporal_pos")), None)
    fields: dict[str, Any] = {
        "channels": channels,
        "blocks": len({name.split(".")[1] for name in state if name.startswith("bottleneck.")}),
        "num_frames": 1 if positions is None else positions.shape[1],
        "memory": 0,
        "temporal": positions is not None,
    }
    if network == "nafunet":
        guidance = _published_guidance(state, config)
        fields |= {"predict_mask": "mask_conv.0.weight" in state, "guidance": guidance, "residual": residual}
    return kind(**fields)


def _published_guidance(state: "dict[str, torch.Tensor]", config: dict[str, Any]) -> str:
    if "mask_modulation.scale" in state:
        return "modulation"
    if "skip_gate_strength" in state:
        return "skip_gate"
    if "temporal_attn.mask_scale" in state:
        return "attn_gate"
    if state["out_conv.0.weight"].shape[1] > state["out_conv.0.weight"].shape[0]:
        return "concat"
    # The residual guidance has no weights of its own.
    return "residual" if config.get("mask_guidance") == "residual" else "none"
