"""Inputs of the toolkit's own packages that nobody has to give: a hint, and the memory that starts a video."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from convert.facts import PackageFacts
from convert.running import fresh_state
from convert.shapes import Size
from convert.tracing import state_input


def blank_inputs(metadata: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Zeros, (1, c, h, w) in fp16, for each optional input and each state of a package that is not among `given`.

    Their sizes are those that go with the given frames. Empty for a package that somebody else made.
    """
    if "vader.network" not in metadata:
        return {}
    facts = PackageFacts.of(dict(metadata))
    interface = facts.interface
    sizes = {port.name: _size(given[port.name]) for port in interface.inputs if port.name in given}
    size = Size(*interface.frame_size(sizes))
    blank = {
        port.name: np.zeros((1, *port.planes(*size)), np.float16)
        for port in interface.inputs
        if port.optional
    }
    if not facts.stateful:
        blank |= {state_input(name): zeros for name, zeros in fresh_state(interface, size).items()}
    return {name: zeros for name, zeros in blank.items() if name not in given}


def _size(value: Any) -> tuple[int, ...]:
    """Height and width; of an array that is no map 1 x 1, which no package takes."""
    if isinstance(value, Image.Image):
        return value.height, value.width
    return np.shape(value)[-2:] if np.ndim(value) > 1 else (1, 1)
