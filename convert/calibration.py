"""What values occur in a model on real frames: what `w8a8` has to know.

coremltools calibrates with `predict`, which needs a Mac, and its 9.0 keeps the range of the last sample only. Here the
emulator runs the package, frame after frame with the memory of those before, and the range of each value is that over
all frames.
"""

from pathlib import Path
from typing import Any

import numpy as np

from convert.real_frames import real_frames
from convert.shapes import Size
from convert.tracing import FRAMES, HINT
from mlx_vader.levels import to_levels

#: As many frames are looked at: memories that reach back four frames are full for the last of them.
LOOKS = 8

#: Name of a value → {"rmin", "rmax"}, as coremltools' passes want it.
Ranges = dict[str, dict[str, float]]


def activation_ranges(package: Path, clip: Path | None) -> Ranges:
    """The smallest and the largest value of each result in a package of one function, on frames of a clip.

    Without a clip, of the demo's. Raises `VaderError` for a clip that cannot be read.
    """
    from PIL import Image

    from convert.emulator import EmulatedModel

    model = EmulatedModel(package)
    ranges: Ranges = {}
    (frame_input,) = (feature for feature in model.inputs if feature.name == FRAMES)
    as_image = frame_input.kind == "image"
    state = model.make_state() if model.get_spec().description.state else None
    shapes = {entry.name: entry.shape for entry in model.inputs}
    memory: dict[str, Any] = {
        name: np.zeros(shape) for name, shape in shapes.items() if name not in (FRAMES, HINT)
    }
    real = real_frames(clip, Size(*frame_input.shape[-2:]), LOOKS)
    for frame in real.hinted():
        pixels = Image.fromarray(to_levels(frame[..., :3]))
        arrays = {FRAMES: np.moveaxis(frame[..., :3], -1, 0)[None], **memory}
        if HINT in shapes:
            arrays[HINT] = frame[None, None, ..., 3]
        for name, value in arrays.items():
            _widen(ranges, name, float(value.min()), float(value.max()))
        given = {**arrays, FRAMES: pixels} if as_image else arrays
        outputs = model.predict(
            given, state, watch=lambda operation, name, value: _watch(ranges, name, value)
        )
        memory = {name: outputs[f"{name.removesuffix('_in')}_out"] for name in memory}
    return ranges


def _watch(ranges: Ranges, name: str, value: Any) -> None:
    if value.is_floating_point() and value.numel():
        least, most = value.aminmax()
        _widen(ranges, name, float(least), float(most))


def _widen(ranges: Ranges, name: str, least: float, most: float) -> None:
    known = ranges.setdefault(name, {"rmin": least, "rmax": most})
    known["rmin"], known["rmax"] = min(known["rmin"], least), max(known["rmax"], most)
