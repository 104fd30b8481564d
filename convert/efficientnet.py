"""The published EfficientNet-Lite0 in PyTorch's names → plain convolutions, with the batch norms inside."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mlx_vader.errors import VaderError
from mlx_vader.losses.efficientnet import BLOCKS
from mlx_vader.losses.perceptual import how_to_get

NAME = "efficientnet-lite0"

#: What TensorFlow adds to the variance.
EPSILON = 1e-3

Arrays = Mapping[str, np.ndarray]


def folded(state: Arrays, file: Path) -> dict[str, np.ndarray]:
    """The convolutions and biases that `mlx_vader.losses.efficientnet` needs, weights `(out, in, h, w)`.

    `file` names the origin of `state` in errors. Raises `VaderError` where something is missing or does not fit.
    """
    if any("_se_reduce" in key for key in state):
        raise VaderError(
            f"{file} holds an EfficientNet with squeeze-and-excitation, which the Lite variant does not have",
            hint=how_to_get(NAME),
        )
    plain: dict[str, np.ndarray] = {}
    for name, convolution, norm in _pairs():
        plain[f"{name}.weight"], plain[f"{name}.bias"] = fold_norm(state, convolution, norm, file, NAME)
    return plain


def _pairs() -> Iterator[tuple[str, str, str]]:
    """Our name, and the published names of the convolution and of the batch norm behind it."""
    yield "stem", "_conv_stem", "_bn0"
    for number, block in enumerate(BLOCKS):
        ours, theirs = f"blocks.{number}", f"_blocks.{number}"
        if block.hidden != block.inputs:
            yield f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0"
        yield f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1"
        yield f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2"


def fold_norm(
    state: Arrays, convolution: str, norm: str, file: Path, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """The weight and the bias of a convolution with the batch norm behind it inside; `name` is the network's."""
    weight = _found(state, f"{convolution}.weight", file, name)
    gain, bias, mean, variance = (
        _found(state, f"{norm}.{part}", file, name)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    if weight.ndim != 4 or any(array.shape != weight.shape[:1] for array in (gain, bias, mean, variance)):
        raise VaderError(f"{convolution} and {norm} in {file} do not fit each other", hint=how_to_get(name))
    scale = gain / np.sqrt(variance + EPSILON)
    return (
        (weight * scale[:, None, None, None]).astype(np.float32),
        (bias - mean * scale).astype(np.float32),
    )


def _found(state: Arrays, key: str, file: Path, name: str) -> np.ndarray:
    if key not in state:
        raise VaderError(f"{file} lacks {key}, which {name} needs", hint=how_to_get(name))
    return state[key].astype(np.float64)
