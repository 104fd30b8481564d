"""What was seen of a video: frames that are spread over it, and what follows from them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mlx_vader.masks.static.difference import Gradient, persistent
from mlx_vader.masks.static.statistics import LUMA, find_shots, gradients

#: Brightness changes where its standard deviation over time is more than so many levels.
CHANGES = 4.0
#: A frame has an edge where its gradient is more than so many levels. Every so many-th frame is asked.
EDGE, ASKED = 8.0, 6


@dataclass(frozen=True)
class Look:
    """Frames in levels."""

    frames: UInt8[np.ndarray, "n h w 3"]

    @cached_property
    def luma(self) -> Float32[np.ndarray, "n h w"]:
        """Brightness, in levels."""
        return np.stack([frame @ LUMA for frame in self.frames.astype(np.float32)])

    @cached_property
    def spread(self) -> Float32[np.ndarray, "h w"]:
        """The standard deviation of each pixel's brightness over time."""
        return self.luma.std(axis=0)

    @cached_property
    def changes(self) -> Bool[np.ndarray, "h w"]:
        """Where the picture changes."""
        return self.spread > CHANGES

    @cached_property
    def edged(self) -> Float32[np.ndarray, "h w"]:
        """In which share of the frames each pixel has an edge."""
        return (np.hypot(*gradients(self.luma[::ASKED])) > EDGE).mean(axis=0, dtype=np.float32)

    @cached_property
    def shots(self) -> int:
        """How many shots there are."""
        shots = find_shots(self.frames)
        return shots.count if shots.cut else 1

    @cached_property
    def mean(self) -> Float32[np.ndarray, "h w 3"]:
        """The mean of the frames, in levels."""
        return self.frames.mean(axis=0, dtype=np.float32)

    @cached_property
    def persisting(self) -> list[Gradient]:
        """Gradients that stay."""
        return persistent(self.frames)

    def within(self, first: int, last: int) -> "Look":
        """The frames from the first to the last alone."""
        return self if (first, last) == (0, len(self.frames) - 1) else Look(self.frames[first : last + 1])
