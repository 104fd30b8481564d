"""One small network for every way of building one: each registry name, and each guidance of v1."""

import mlx.core as mx
import numpy as np
import pytest
import torch
from mlx.utils import tree_map

from mlx_vader.interface import Interface
from mlx_vader.models.base import Network
from mlx_vader.models.nafunet import GUIDANCE
from mlx_vader.models.registry import NETWORKS, build, make_spec
from mlx_vader.training.config import NETS

VARIANTS: dict[str, tuple[str, dict[str, object]]] = {name: (name, {}) for name in NETWORKS}
VARIANTS |= {f"nafunet-{guidance}": ("nafunet", {"guidance": guidance}) for guidance in GUIDANCE}
VARIANTS |= {
    "nafunet-window-2": ("nafunet", {"num_frames": 2, "memory": 3}),
    "nafunet-published": ("nafunet", {"num_frames": 4, "memory": 0, "residual": False}),
    "nafunet-no-mask": ("nafunet", {"predict_mask": False, "guidance": "none"}),
    "nafunet-no-temporal-residual": (
        "nafunet",
        {"temporal": False, "memory": 0, "guidance": "residual", "residual": False},
    ),
    "composite-published": ("composite", {"num_frames": 5, "memory": 0}),
    "composite-no-temporal": ("composite", {"temporal": False}),
}

INTERFACES: dict[str, Interface] = {
    variant: make_spec(name, "tiny", **options).interface for variant, (name, options) in VARIANTS.items()
}
#: The networks of the registry that restore frames.
RESTORING = [name for name in NETWORKS if INTERFACES[name].restores]
OTHERS = [name for name in NETWORKS if name not in RESTORING]
#: As parameters: what `clean` takes in the default run, the others with the slow tests: a conversion takes seconds.
SOME_NETWORKS = [
    name if name == NETS[0] else pytest.param(name, marks=pytest.mark.slow) for name in RESTORING
]


def build_variant(variant: str, seed: int = 0) -> Network:
    """The network with random weights everywhere: fresh ones are identities in places, which would hide differences."""
    name, options = VARIANTS[variant]
    mx.random.seed(seed)
    net = build(name, "tiny", **options)
    net.update(tree_map(lambda p: p + 0.1 * mx.random.normal(p.shape), net.parameters()))
    net.eval()
    return net


def example_inputs(
    interface: Interface, frames: int, height: int, width: int, batch: int = 1, seed: int = 0
) -> dict[str, np.ndarray]:
    """Random inputs by name, optional ones too, `(b, t, h, w, c)`; hints are from -1 to 1, all else from 0 to 1."""
    random = np.random.default_rng(seed)
    values = {
        port.name: random.random((batch, frames, *port.shape(height, width)), np.float32)
        for port in interface.inputs
    }
    for port in interface.inputs:
        if port.kind == "hint":
            values[port.name] = 2 * values[port.name] - 1
    return values


def as_mlx(arrays: dict[str, np.ndarray]) -> dict[str, mx.array]:
    return {name: mx.array(array) for name, array in arrays.items()}


def as_torch(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Channels first."""
    return {
        name: torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 2)))
        for name, array in arrays.items()
    }


def from_torch(tensor: torch.Tensor) -> np.ndarray:
    """Channels last."""
    return np.moveaxis(tensor.detach().numpy(), 2, -1)
