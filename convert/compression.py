"""Weights of fewer bits, by `coremltools.optimize.coreml`."""

from importlib.util import find_spec
from typing import Any

from convert.form import Form
from mlx_vader.errors import VaderError


def compressed(model: Any, form: Form) -> Any:
    """A copy of a coremltools `MLModel` of one function, compressed as `form.compress` says."""
    import coremltools.optimize.coreml as optimize

    if form.compress.startswith("palettize"):
        _need_scikit_learn()
        bits = int(form.compress.removeprefix("palettize"))
        op = optimize.OpPalettizerConfig(mode="kmeans", nbits=bits, weight_threshold=WEIGHT_THRESHOLD)
        return optimize.palettize_weights(model, optimize.OptimizationConfig(global_config=op))
    op = optimize.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8", weight_threshold=WEIGHT_THRESHOLD)
    return optimize.linear_quantize_weights(model, optimize.OptimizationConfig(global_config=op))
WEIGHT_THRESHOLD=2048

def _need_scikit_learn() -> None:
    if find_spec("sklearn") is None:
        raise VaderError(
            "palettes are found by scikit-learn, which is not installed", hint="pip install 'vader-mlx[compress]'"
        )
