"""Weights between MLX and PyTorch, and from published checkpoint files."""

import json
from dataclasses import asdict
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlx_vader.array_files import check_finite, check_shapes
from mlx_vader.checkpoints import Checkpoint
from mlx_vader.errors import VaderError, missing
from mlx_vader.untrusted import parse_json

if TYPE_CHECKING:
    from mlx_vader.models.base import Network as MlxNetwork
    from torch_ref.models.base import Network as TorchNetwork


def build_twin(network: str, spec: Any) -> "TorchNetwork":
    """The PyTorch network of a registry name, with fresh weights."""
    from mlx_vader.models import registry

    module, name = registry.entry(network).twin
    return getattr(import_module(module), name)(spec)


def twin(net: "MlxNetwork") -> "TorchNetwork":
    """The PyTorch reference of an MLX network, with a copy of its weights, in evaluation mode."""
    import torch

    from mlx_vader.layout import to_torch_layout
    from mlx_vader.models import registry

    module = build_twin(registry.name_of(net), net.spec)
    module.load_state_dict({name: torch.from_numpy(weight) for name, weight in to_torch_layout(net).items()})
    return module.eval().requires_grad_(False)


def import_published(path: str | Path) -> Checkpoint:
    """Reads a published v1 checkpoint (`nafunet.pt`, `composite.pt`, `nafunet_widescale.pt`).

    Such a file is a dict of `model_state_dict`, `step` and `config`; it is unpickled with `weights_only=True`, which
    runs no code. Raises `VaderError` if it is something else. Nothing is allocated for a network that the file does not
    hold.
    """
    content = unpickle(Path(path))
    whole = isinstance(content, dict) and "model_state_dict" in content
    weights = named_arrays(content["model_state_dict"] if whole else content, path)
    config, step = (content.get("config") or {}, content.get("step") or 0) if whole else ({}, 0)
    if not isinstance(config, dict) or type(step) is not int or step < 0:
        odd = "config is no dict" if not isinstance(config, dict) else f"step is {step!r}"
        raise VaderError(f"{path} is no published checkpoint: its {odd}", hint="expected a dict and a number")
    network, spec = _published(weights, config, path)
    provenance = {"source": Path(path).name, "licence": "the publisher's", "config": str(config)}
    return Checkpoint(network, spec, weights, step, provenance)


def _published(weights: dict[str, np.ndarray], config: dict[str, Any], path: str | Path) -> tuple[str, Any]:
    """The network that the keys belong to, and its spec. Each network knows its own published checkpoints."""
    from mlx_vader.layout import torch_shapes
    from mlx_vader.models import registry

    shapes = {name: value.shape for name, value in weights.items()}
    for name, entry in registry.NETWORKS.items():
        what = f"{path} does not fit {name}"
        try:
            described = entry.network.published_spec(shapes, config)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise VaderError(f"{what}: {error} is missing or wrong", hint="is the file whole?") from error
        if described is not None:
            spec = parse_json(json.dumps(asdict(described)), entry.spec, what, "is this the published file?")
            check_shapes(shapes, torch_shapes(registry.make(name, spec)), what, "is the file whole?")
            return name, spec
    raise VaderError(
        f"{path} holds weights of an unknown network", hint=f"known are {', '.join(registry.NETWORKS)}"
    )


def named_arrays(content: Any, path: str | Path) -> dict[str, np.ndarray]:
    """The tensors of an unpickled state dict as fp32 arrays.

    Raises `VaderError` for names that are no text, for what is no plain tensor, for one that claims more numbers than
    the file stores, and for numbers that are not finite.
    """
    import torch

    if not isinstance(content, dict) or not content:
        raise VaderError(
            f"{path} holds no weights", hint="expected a dict with 'model_state_dict' and 'config'"
        )
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise VaderError(
                f"{path} holds no weights: {name!r} is no tensor with a name", hint="expected a state dict"
            )
        plain = value.layout == torch.strided and value.device.type == "cpu"
        plain = plain and not (value.is_quantized or value.is_complex())
        if not plain or value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise VaderError(f"{path}: {name!r} is no plain tensor", hint="save dense weights, such as fp32")
    arrays = {name: value.detach().float().contiguous().numpy() for name, value in content.items()}
    check_finite(arrays, str(path))
    return arrays


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
