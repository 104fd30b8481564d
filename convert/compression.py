"""Weights of fewer bits, and with `w8a8` activations too, by `coremltools.optimize.coreml`.

palettize4, palettize6, palettize8   each weight is one of 16, 64 or 256 values of its tensor, found by k-means
int8                                 weights in 255 even steps, a scale for each output channel
w8a8                                 the same, and what goes in and out of those convolutions in 255 steps too

Only tensors of at least 2048 numbers are compressed, coremltools' own threshold. Those hold 91 % of the weights of
`nafunet` small and 98 % of base; below it a palette takes a good part of what it saves, and biases and norms, which
are a few numbers each, keep 16 bits.

Weights with fewer bits make a smaller package; whether they also make a faster one, only a measurement tells.

Weights whose loss would be seen keep 16 bits as well: `convert.mixed_precision` finds them.

`w8a8` quantizes around convolutions and linear layers whose weights are quantized, as hardware with 8-bit arithmetic
wants it, and nothing else: residual sums, norms and gates stay in half precision.
"""

import hashlib
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from convert.calibration import activation_ranges
from convert.facts import PackageFacts
from convert.form import Form
from convert.program import Type, read_program
from mlx_vader.errors import VaderError

#: Tensors of fewer numbers keep 16 bits: coremltools' own choice.
WEIGHT_THRESHOLD = 2048
_ENDS = ("prefix", "suffix")


def compressed(model: Any, facts: PackageFacts, form: Form, kept: Collection[str]) -> Any:
    """A copy of a coremltools `MLModel` of one function, with weights as `form.compress` says.

    `facts`: what is true of the model, whose package says nothing of itself yet. `kept`: names of weights that keep
    16 bits, and the activations of their layers too.
    """
    import coremltools.optimize.coreml as optimize

    unchanged = dict.fromkeys(kept)

    if form.compress.startswith("palettize"):
        bits = int(form.compress.removeprefix("palettize"))
        palette = optimize.OpPalettizerConfig(mode="kmeans", nbits=bits, weight_threshold=WEIGHT_THRESHOLD)
        return optimize.palettize_weights(
            model, optimize.OptimizationConfig(global_config=palette, op_name_configs=unchanged)
        )
    steps = optimize.OpLinearQuantizerConfig(
        mode="linear_symmetric", dtype="int8", weight_threshold=WEIGHT_THRESHOLD
    )
    if form.compress == "w8a8":
        model = _with_activations_of_8_bits(model, facts, steps, form.calibrate, kept)
    return optimize.linear_quantize_weights(
        model, optimize.OptimizationConfig(global_config=steps, op_name_configs=unchanged)
    )


def weight_digests(package: Path) -> dict[str, str]:
    """A hash of each weight that compression may touch, by its name in a package of one function.

    A weight has other names in packages of other sizes; its content is the same.
    """
    return {
        step.outputs[0].name: hashlib.sha256(step.attributes["val"].value.tobytes()).hexdigest()
        for step in read_program(package).function().block.walk()
        if step.type == "const" and _is_weight(step.outputs[0].type)
    }


def _is_weight(of: Type) -> bool:
    return of.dtype == "fp16" and of.elements >= WEIGHT_THRESHOLD


def _with_activations_of_8_bits(
    model: Any, facts: PackageFacts, steps: Any, clip: Path | None, kept: Collection[str]
) -> Any:
    """What coremltools' `linear_quantize_activations` does once it has the ranges."""
    import coremltools.optimize.coreml as optimize
    from coremltools.converters.mil.mil.passes.graph_pass import PassOption
    from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY
    from coremltools.models.utils import _apply_graph_pass

    package = Path(model.package_path)
    config = optimize.OptimizationConfig(
        op_type_configs={"conv": steps, "linear": steps},
        op_name_configs=dict.fromkeys(_in_16_bits(package, kept)),
    )
    options = [
        PassOption("config", config),
        PassOption("activation_stats", activation_ranges(package, facts, clip)),
    ]
    insertions = [PASS_REGISTRY[f"compression::insert_{end}_quantize_dequantize_pair"] for end in _ENDS]
    for insertion in insertions:
        insertion.set_options(options)
    passes = [*insertions, PASS_REGISTRY["common::dequantize_quantize_pair_elimination"]]
    return _apply_graph_pass(model, passes, spec_version=model.get_spec().specificationVersion)


def _in_16_bits(package: Path, kept: Collection[str]) -> list[str]:
    """The convolutions and linear layers whose weights keep 16 bits: those with few weights, and those in `kept`."""
    function = read_program(package).function()
    types = {output.name: output.type for step in function.block.walk() for output in step.outputs}
    layers = [step for step in function.block.walk() if step.type in ("conv", "linear")]
    weights = {step.name: str(step.inputs["weight"][0]) for step in layers}
    return [name for name, weight in weights.items() if weight in kept or not _is_weight(types[weight])]


def check_tools(form: Form) -> None:
    """Raises `VaderError` when scikit-learn is missing, which finds the palettes."""
    if form.compress.startswith("palettize") and find_spec("sklearn") is None:
        raise VaderError(
            "palettes are found by scikit-learn, which is not installed",
            hint="pip install 'vader-mlx[compress]'",
        )
