"""What values occur in a model on real frames: what `w8a8` has to know.

coremltools calibrates with `predict`, which needs a Mac, and its 9.0 keeps the range of the last sample only. Here the
emulator runs the package, frame after frame with the memory of those before, and the range of each value is that over
all frames.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from convert.shapes import Size
from convert.tracing import FRAMES
from mlx_vader.errors import VaderError

if TYPE_CHECKING:
    from convert.emulator import EmulatedModel

#: As many frames of the clip are looked at, evenly spread over it.
LOOKS = 8

#: Name of a value → {"rmin", "rmax"}, as coremltools' passes want it.
Ranges = dict[str, dict[str, float]]


def activation_ranges(package: Path, clip: Path | None) -> Ranges:
    """The smallest and the largest value of each result in a package of one function, on frames of a clip.

    Raises `VaderError` where there is no clip, or none that can be read.
    """
    from convert.emulator import EmulatedModel

    model = EmulatedModel(package)
    ranges: Ranges = {}
    (frame_input,) = (feature for feature in model.inputs if feature.name == FRAMES)
    as_image = frame_input.kind == "image"
    state = model.make_state() if model.get_spec().description.state else None
    memory = {entry.name: np.zeros(entry.shape) for entry in model.inputs if entry.name != FRAMES}
    for frame in _frames(clip or _sample_clip(), Size(*frame_input.shape[-2:])):
        given = {FRAMES: _as_image(frame) if as_image else np.moveaxis(frame, -1, 0)[None], **memory}
        for name, value in ({} if as_image else given).items():
            _widen(ranges, name, float(value.min()), float(value.max()))
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


def _frames(clip: Path, size: Size) -> Iterator[Float32[np.ndarray, "h w 3"]]:
    """Frames of a clip, resized to what the package takes."""
    from mlx_vader.video import probe, read_clip

    count = probe(clip).frames or 1
    for number in np.unique(np.linspace(0, count - 1, LOOKS, dtype=int)):
        yield np.asarray(_as_image(read_clip(clip, int(number), 1)[0], size), np.float32) / 255


def _as_image(frame: Float32[np.ndarray, "h w 3"], size: Size | None = None) -> Any:
    """Pixels of 8 bits, as an image input takes them."""
    from PIL import Image

    image = Image.fromarray((frame * 255).round().clip(0, 255).astype(np.uint8))
    return image.resize((size.width, size.height), Image.Resampling.BOX) if size else image


def _sample_clip() -> Path:
    from mlx_vader.demo import sample_clip

    try:
        return sample_clip()
    except VaderError as error:
        raise VaderError(
            "there is no clip to calibrate w8a8 with",
            hint="--calibrate with a clip of yours, or pip install 'vader-mlx[demo]'",
        ) from error
