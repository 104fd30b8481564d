"""Names for people and facts for machines, written into a package.

The facts are in the package's user-defined metadata, all text:

    vader.network, .spec, .step, .version, .provenance     what network it is, which training step, from where
    vader.interface    JSON of `mlx_vader.interface.Interface`: its inputs, outputs and state by name and kind
    vader.checkpoint_sha256, .weights_sha256               of the checkpoint's file ("" for a network in memory); of
                                                           the weights themselves, before they are compressed
    vader.shapes, .stride, .window                         the sizes of frames that it accepts
    vader.functions    JSON {name: "HxW"}, the default one first; {} for a package of one function
    vader.states       JSON [name, …] of what it keeps itself, as Core ML states; [] if it keeps nothing
    vader.io           tensor or image
    vader.compress     none, palettize4, palettize6, palettize8, int8 or w8a8
"""

import json
from collections.abc import Mapping
from typing import Any

from convert.form import Form
from convert.shapes import Shapes
from convert.source import TwinSource, weights_sha256
from convert.tracing import state_input, state_output
from mlx_vader.interface import Interface, Kind
from mlx_vader.versions import VERSION

#: What is said of an input and of an output of a kind.
_INPUTS: dict[Kind, str] = {
    "frames": "One frame, {pixels}; {sizes}.",
    "hint": "What is known of overlays: 1 = here, -1 = not here, 0 = unknown; all zeros finds them itself.",
    "mask": "Where the artifacts are, 1 = artifact.",
    "flow": "Motion in pixels, (x, y).",
}
_OUTPUTS: dict[Kind, str] = {
    "frames": "The restored frame, {pixels}.",
    "mask": "Where the network saw artifacts, 1 = artifact.",
    "flow": "Motion in pixels, (x, y).",
}


def describe_package(
    spec: Any, source: TwinSource, shapes: Shapes, form: Form, functions: Mapping[str, str]
) -> None:
    """Puts names and facts into a package's protobuf. `functions`: name → size; empty for one function."""
    description = spec.description
    for function in description.functions:
        _describe_features(function, source, form, functions[function.name])
    if not description.functions:
        _describe_features(description, source, form, str(shapes))
    _describe_model(description.metadata, source, form, functions)
    description.metadata.userDefined.update(_facts(source, shapes, form, functions))


def _describe_model(metadata: Any, source: TwinSource, form: Form, functions: Mapping[str, str]) -> None:
    interface = source.twin.interface
    does = f"{source.network}: {_purpose(interface)}, frame by frame."
    explicit = " Give each NAME_out as NAME_in of the next frame; all-zeros states start a video."
    keeps = " It keeps its memory in states; fresh ones, all zeros, start a video."
    choices = ", ".join(f"{name} takes {size}" for name, size in functions.items())
    names = f" Functions: {choices}; the first one is the default." if functions else ""
    metadata.shortDescription = does + (keeps if form.stateful else explicit) * bool(interface.state) + names
    metadata.author = source.provenance.get("author", "vader-mlx")
    metadata.license = source.provenance.get("licence", "MIT")
    metadata.versionString = VERSION


def _purpose(interface: Interface) -> str:
    if interface.output("frames"):
        return "removes watermarks, logos, text and degradations from video"
    return f"gives {' and '.join(port.name for port in interface.outputs)}"


def _describe_features(features: Any, source: TwinSource, form: Form, accepts: str) -> None:
    """`features` has inputs, outputs and states: a function's description, or that of a model of one function."""
    interface = source.twin.interface
    said = {
        "sizes": f"height and width in multiples of {interface.stride}; accepts {accepts}",
        "pixels": "8-bit RGB pixels" if form.io == "image" else "RGB in [0, 1], channels first",
    }
    inputs = {port.name: _INPUTS.get(port.kind, f"{port.kind}.") for port in interface.inputs}
    outputs = {port.name: _OUTPUTS.get(port.kind, f"{port.kind}.") for port in interface.outputs}
    for port in interface.state:
        remembers = f"What the network remembers as {port.name!r}; all zeros starts a video."
        inputs |= dict.fromkeys((port.name, state_input(port.name)), remembers)
        outputs[state_output(port.name)] = f"Give it as {state_input(port.name)} with the next frame."
    for entry in (*features.input, *features.state):
        entry.shortDescription = inputs[entry.name].format(**said)
    for entry in features.output:
        entry.shortDescription = outputs[entry.name].format(**said)


def _facts(source: TwinSource, shapes: Shapes, form: Form, functions: Mapping[str, str]) -> dict[str, str]:
    interface = source.twin.interface
    return {
        "vader.network": source.network,
        "vader.spec": json.dumps(source.spec, sort_keys=True),
        "vader.interface": json.dumps(interface.as_json()),
        "vader.step": str(source.step),
        "vader.checkpoint_sha256": source.checkpoint_sha256,
        "vader.weights_sha256": weights_sha256(source.twin),
        "vader.version": VERSION,
        "vader.provenance": json.dumps(source.provenance, sort_keys=True),
        "vader.shapes": str(shapes),
        "vader.stride": str(interface.stride),
        "vader.window": str(interface.window),
        "vader.functions": json.dumps(functions),
        "vader.states": json.dumps([port.name for port in interface.state] if form.stateful else []),
        "vader.io": form.io,
        "vader.compress": form.compress,
    }
