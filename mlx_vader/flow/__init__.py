"""Optical flow between two pictures, as a table: a new way is a function of arrays and a line here.

`flow(here, there) → (h, w, 2)`: two grey pictures (h, w), uint8, at least `dis.SMALLEST` pixels high and wide; for each
pixel of `here` how far off, in pixels (x, y), `there` shows the same thing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from mlx_vader.arrays import Flow
from mlx_vader.errors import UsageError, choices
from mlx_vader.flow.dis import dis

Grey = UInt8[np.ndarray, "h w"]


@dataclass(frozen=True)
class FlowMethod:
    """One way to find flow, with what it is for in one line."""

    flow: Callable[[Grey, Grey], Flow]
    summary: str


FLOWS = {
    "dis": FlowMethod(dis, "dense inverse search of OpenCV: milliseconds, sub-pixel, without a network"),
}


def find_flow(name: str) -> FlowMethod:
    """The flow called `name`. Raises UsageError for one that there is not."""
    if name not in FLOWS:
        raise UsageError(f"there is no flow {name!r}", hint=choices(name, FLOWS))
    return FLOWS[name]
