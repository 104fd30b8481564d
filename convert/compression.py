"""Weights of fewer bits, and with `w8a8` activations too, by `coremltools.optimize.coreml`.

palettize4, palettize6, palettize8   each weight is one of 16, 64 or 256 values of its tensor, found by k-means
int8                                 weights in 255 even steps, a scale for each output channel
w8a8                                 the same, and what goes into those convolutions and products in 255 steps too

Only tensors of at least 2048 numbers are compressed, coremltools' own threshold. Those hold 91 % of the weights of
`nafunet` small and 98 % of base; below it a palette takes a good part of what it saves, and biases and norms, which
are a few numbers each, keep 16 bits.

Weights with fewer bits make a smaller package; whether they also make a faster one, only a measurement tells.
"""

from importlib.util import find_spec
from typing import Any

from convert.form import Form
from mlx_vader.errors import VaderError


def compressed(model: Any, form: Form) -> Any:
    """A copy of a coremltools `MLModel` of one function, with weights as `form.compress` says.

    Raises `VaderError` when scikit-learn is missing, which finds the palettes.
    """
    import coremltools.optimize.coreml as optimize

    if form.compress.startswith("palettize"):
        _need_scikit_learn()
        bits = int(form.compress.removeprefix("palettize"))
        palette = optimize.OpPalettizerConfig(mode="kmeans", nbits=bits)
        return optimize.palettize_weights(model, optimize.OptimizationConfig(global_config=palette))
    steps = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8")
    return optimize.linear_quantize_weights(model, optimize.OptimizationConfig(global_config=steps))


def _need_scikit_learn() -> None:
    if find_spec("sklearn") is None:
        raise VaderError(
            "palettes are found by scikit-learn, which is not installed",
            hint="pip install 'vader-mlx[compress]'",
        )
