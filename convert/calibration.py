"""What values occur in a model on real frames: what `w8a8` has to know.

coremltools calibrates with `predict`, which needs a Mac, and its 9.0 keeps the range of the last sample only. Here the
emulator runs the package, frame after frame with the memory of those before, and the range of each value is that over
all frames.
"""

from pathlib import Path
from typing import Any

import numpy as np

from convert.facts import PackageFacts
from convert.real_frames import real_frames
from convert.running import PackageRunner, WatchedModel

#: As many frames are looked at: memories that reach back four frames are full for the last of them.
CALIBRATION_FRAMES = 8

#: Name of a value → {"rmin", "rmax"}, as coremltools' passes want it.
Ranges = dict[str, dict[str, float]]


def activation_ranges(package: Path, facts: PackageFacts, clip: Path | None) -> Ranges:
    """The smallest and the largest value of each result in a package of one function, on frames of a clip.

    Without a clip, of the demo's. Raises `VaderError` for a clip that cannot be read.
    """
    from convert.emulator import EmulatedModel

    ranges: Ranges = {}

    def on_result(operation: Any, name: str, value: Any) -> None:
        if value.is_floating_point() and value.numel():
            least, most = value.aminmax()
            _widen(ranges, name, float(least), float(most))

    def on_input(name: str, value: Any) -> None:
        array = np.asarray(value)
        _widen(ranges, name, float(array.min()), float(array.max()))

    runner = PackageRunner(facts, lambda _: WatchedModel(EmulatedModel(package), on_result, on_input))
    runner.run(real_frames(clip, facts.shapes.default, CALIBRATION_FRAMES).inputs(facts.interface))
    return ranges


def _widen(ranges: Ranges, name: str, least: float, most: float) -> None:
    known = ranges.setdefault(name, {"rmin": least, "rmax": most})
    known["rmin"], known["rmax"] = min(known["rmin"], least), max(known["rmax"], most)
