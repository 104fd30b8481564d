"""One small network for every way of building one: each registry name, and each guidance of v1."""

import mlx.core as mx
from mlx.utils import tree_map

from mlx_vader.models.base import Network
from mlx_vader.models.nafunet import GUIDANCE
from mlx_vader.models.registry import NETWORKS, build

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


def build_variant(variant: str, seed: int = 0) -> Network:
    """The network with random weights everywhere: fresh ones are identities in places, which would hide differences."""
    name, options = VARIANTS[variant]
    mx.random.seed(seed)
    net = build(name, "tiny", **options)
    net.update(tree_map(lambda p: p + 0.1 * mx.random.normal(p.shape), net.parameters()))
    net.eval()
    return net
