"""What propagation keeps of a frame: the picture around its hole, at full or at half size."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8, UInt16

from mlx_vader.arrays import Pixels
from mlx_vader.boxes import Box
from mlx_vader.dilation import dilated
from mlx_vader.warping import sampled

#: Pictures are kept in 16 bits: a level of 255 is so many of theirs.
LEVEL = 257
#: Flow is searched for at half the size.
HALF = 2
#: Pixels around a hole that are known and yet fetched as well, to see what can be trusted; at half size half as many.
RING = 6


def in_levels(picture: UInt16[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """What is kept in 16 bits, in levels of 255."""
    return picture.astype(np.float32) / np.float32(LEVEL)


@dataclass(eq=False)
class Layer:
    """Frame `number` in `box`. `hole`: what is to be found. `spoiled`: that, and what is not to be trusted around it.

    `box` counts the layer's own pixels, of which each is `size` frame pixels wide: 1 or 2. `picture` is (h, w, c), in
    `LEVEL` steps a level of 255.
    """

    number: int
    box: Box
    picture: UInt16[np.ndarray, "h w c"]
    hole: Pixels
    spoiled: Pixels
    size: int = 1

    @cached_property
    def hidden(self) -> Pixels:
        """What is spoiled and what touches it, of which nothing is fetched."""
        return dilated(self.spoiled, 1)

    @cached_property
    def hidden_part(self) -> UInt8[np.ndarray, "h w"]:
        """255 where the pixel is hidden."""
        return self.hidden.astype(np.uint8) * np.uint8(255)

    @cached_property
    def wanted(self) -> Pixels:
        """What is spoiled and a ring around it."""
        return dilated(self.spoiled, RING // self.size)

    @cached_property
    def places(self) -> Float32[np.ndarray, "n 2"]:
        """Where the wanted pixels lie, (x, y), counted from the frame's first pixel."""
        rows, columns = np.nonzero(self.wanted)
        return np.stack([columns + self.box.left, rows + self.box.top], axis=1).astype(np.float32)

    @cached_property
    def number_of(self) -> Int32[np.ndarray, "h w"]:
        """Which of the wanted pixels each pixel is; -1 where it is none."""
        numbers = np.full(self.wanted.shape, -1, np.int32)
        numbers[self.wanted] = np.arange(len(self.places))
        return numbers

    @property
    def levels(self) -> Float32[np.ndarray, "h w c"]:
        """The picture in levels of 255."""
        return in_levels(self.picture)

    @property
    def own(self) -> Float32[np.ndarray, "n c"]:
        """The wanted pixels' colours as they are, in levels of 255: on the ring, the truth."""
        return in_levels(self.picture[self.wanted])

    @property
    def on_ring(self) -> Bool[np.ndarray, " n"]:
        """Which of the wanted pixels are known."""
        return ~self.hidden[self.wanted]

    def forget(self) -> None:
        """Lets go of what follows from the rest; it is computed again when it is asked for."""
        for name in ("hidden", "hidden_part", "wanted", "places", "number_of"):
            vars(self).pop(name, None)

    def at(self, places: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n c"]:
        """Colours at places (x, y) of the frame, bicubic, in levels of 255."""
        return sampled(self.picture, places - self.origin, cv2.INTER_CUBIC) / np.float32(LEVEL)

    @property
    def origin(self) -> Float32[np.ndarray, " 2"]:
        """The place (x, y) of its first pixel."""
        return np.array([self.box.left, self.box.top], np.float32)
