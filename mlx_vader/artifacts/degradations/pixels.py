"""What block encoders want: whole blocks, on a grid that starts in the corner or anywhere."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mlx_vader.arrays import Clip
from mlx_vader.artifacts.randomness import chance

#: How often the blocks start in the clip's corner: in a video that was cut to another size they start anywhere.
FROM_THE_CORNER = 0.75


class Grid(NamedTuple):
    """A clip inside a slightly larger one, so that the encoder's blocks do not start at its corner."""

    padded: Clip
    top: int
    left: int
    height: int
    width: int

    def crop(self, frames: Float[np.ndarray, "t ph pw 3"]) -> Clip:
        """The clip's own pixels out of the larger frames."""
        return frames[:, self.top : self.top + self.height, self.left : self.left + self.width]


def random_grid(frames: Clip, rng: np.random.Generator, block: int) -> Grid:
    """Pads by mirroring: up to block - 1 pixels at the top and left, and to whole blocks at the bottom and right.

    A crop of a coded video sees the block grid at any offset; a network that learned one offset fails on the others.
    """
    height, width = frames.shape[1:3]
    top, left = (0, 0) if chance(rng, FROM_THE_CORNER) else rng.integers(0, block, size=2).tolist()
    bottom, right = -(top + height) % block, -(left + width) % block
    padded = np.pad(frames, ((0, 0), (top, bottom), (left, right), (0, 0)), "symmetric")
    return Grid(padded, top, left, height, width)
