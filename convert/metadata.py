"""Names for people and facts for machines, written into a package.

The facts are in the package's user-defined metadata, all text:

    vader.network, .spec, .step, .version, .provenance     what network it is, which training step, from where
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
from pathlib import Path
from typing import Any

from convert.form import Form
from convert.package import read_spec, write_spec
from convert.shapes import Shapes
from convert.source import Source, weights_sha256
from convert.tracing import FRAMES, HINT, MASK, RESTORED


def describe(package: Path, source: Source, shapes: Shapes, form: Form, functions: Mapping[str, str]) -> None:
    """Writes names and facts into a package. `functions`: name → size; empty for a package of one function."""
    spec = read_spec(package)
    description = spec.description
    for function in description.functions:
        _describe_features(function, source, form, functions[function.name])
    if not description.functions:
        _describe_features(description, source, form, str(shapes))
    _describe_model(description.metadata, source, form, functions)
    description.metadata.userDefined.update(_facts(source, shapes, form, functions))
    write_spec(package, spec)


def _describe_model(metadata: Any, source: Source, form: Form, functions: Mapping[str, str]) -> None:
    from mlx_vader import __version__

    does = f"{source.network}: removes watermarks, logos, text and degradations from video, frame by frame."
    explicit = " Give each NAME_out as NAME_in of the next frame; all-zeros states start a video."
    keeps = " It keeps its memory in states; fresh ones, all zeros, start a video."
    remembers = bool(source.twin.state_spec(64, 64))
    choices = ", ".join(f"{name} takes {size}" for name, size in functions.items())
    names = f" Functions: {choices}; the first one is the default." if functions else ""
    metadata.shortDescription = does + (keeps if form.stateful else explicit) * remembers + names
    metadata.author = source.provenance.get("author", "vader-mlx")
    metadata.license = source.provenance.get("licence", "MIT")
    metadata.versionString = __version__


def _describe_features(features: Any, source: Source, form: Form, accepts: str) -> None:
    """`features` has inputs, outputs and states: a function's description, or that of a model of one function."""
    sizes = f"height and width in multiples of {source.twin.stride}; accepts {accepts}"
    kind = "8-bit RGB pixels" if form.io == "image" else "RGB in [0, 1], channels first"
    described = {
        FRAMES: f"One frame, {kind}; {sizes}.",
        HINT: "What is known of overlays: 1 = here, -1 = not here, 0 = unknown; all zeros finds them itself.",
        RESTORED: f"The restored frame, {kind}.",
        MASK: "Where the network saw artifacts, 1 = artifact.",
    }
    for entry in features.input:
        state = f"What the network remembers as {entry.name.removesuffix('_in')!r}; all zeros starts a video."
        entry.shortDescription = described.get(entry.name, state)
    for entry in features.output:
        state = f"Give it as {entry.name.removesuffix('_out')}_in with the next frame."
        entry.shortDescription = described.get(entry.name, state)
    for entry in features.state:
        entry.shortDescription = f"What the network remembers as {entry.name!r}; all zeros starts a video."


def _facts(source: Source, shapes: Shapes, form: Form, functions: Mapping[str, str]) -> dict[str, str]:
    from mlx_vader import __version__

    twin = source.twin
    return {
        "vader.network": source.network,
        "vader.spec": json.dumps(source.spec, sort_keys=True),
        "vader.step": str(source.step),
        "vader.checkpoint_sha256": source.checkpoint_sha256,
        "vader.weights_sha256": weights_sha256(twin),
        "vader.version": __version__,
        "vader.provenance": json.dumps(source.provenance, sort_keys=True),
        "vader.shapes": str(shapes),
        "vader.stride": str(twin.stride),
        "vader.window": str(twin.window),
        "vader.functions": json.dumps(functions),
        "vader.states": json.dumps(list(twin.state_spec(*shapes.default)) if form.stateful else []),
        "vader.io": form.io,
        "vader.compress": form.compress,
    }
