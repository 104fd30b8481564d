"""FID's Inception v3 in the names of PyTorch's port → plain convolutions, with the batch norms inside."""

from pathlib import Path

import numpy as np

from convert.efficientnet import Arrays, fold_norm
from mlx_vader.losses.inception import weight_shapes


def folded(state: Arrays, file: Path) -> dict[str, np.ndarray]:
    """The convolutions and biases that `mlx_vader.losses.inception` needs, weights `(out, in, h, w)`.

    `file` names the origin of `state` in errors. Raises `VaderError` where something is missing or does not fit.
    """
    plain: dict[str, np.ndarray] = {}
    for name in (key.removesuffix(".weight") for key in weight_shapes() if key.endswith(".weight")):
        plain[f"{name}.weight"], plain[f"{name}.bias"] = fold_norm(
            state, f"{name}.conv", f"{name}.bn", file, "fid-inception"
        )
    return plain
