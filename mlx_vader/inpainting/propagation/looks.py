"""What is kept of a frame while others are filled from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from mlx_vader.boxes import Box
from mlx_vader.inpainting.propagation.layer import HALF, LEVEL, Layer
from mlx_vader.membrane import stretched_over
from mlx_vader.process import Packed, SourceFrame

#: Frame pixels around a hole, and around those of the frames before and after, that are kept.
MARGIN = 64


@dataclass(eq=False)
class Look:
    """What is kept of a frame: the surroundings of holes in it at full size, None where there are no holes near.

    `filled`: the same with its hole filled from within the frame, and `item`: whatever travels along; both are let go
    of once the frame is done. `size`: bytes of all that. `guide`: grey at half size, with the hole filled by the first
    pass.
    """

    full: Layer | None
    size: int
    item: Any = None
    filled: UInt16[np.ndarray, "h w 3"] | None = None
    guide: UInt8[np.ndarray, "h w"] | None = None

    @cached_property
    def small(self) -> Layer | None:
        """The same in grey, at half size."""
        if self.full is None:
            return None
        box = self.full.box
        size = (box.width // HALF, box.height // HALF)
        grey = cv2.resize(
            cv2.cvtColor(self.full.picture, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA
        )
        hole, spoiled = (
            cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
            for pixels in (self.full.hole, self.full.spoiled)
        )
        half = Box(box.top // HALF, box.left // HALF, size[1], size[0])
        return Layer(self.full.number, half, grey[..., None], hole, spoiled, HALF)

    @cached_property
    def bare(self) -> UInt8[np.ndarray, "h w"] | None:
        """Grey at half size, with the hole filled from around it."""
        if self.small is None:
            return None
        grey = stretched_over(self.small.levels, self.small.hidden)
        return np.rint(grey[..., 0]).astype(np.uint8)

    @cached_property
    def spoiled(self) -> Box | None:
        """Where in the frame what is spoiled lies."""
        if self.full is None or not self.full.spoiled.any():
            return None
        here = Box.around(self.full.spoiled)
        return here._replace(top=here.top + self.full.box.top, left=here.left + self.full.box.left)

    def packed(self) -> Packed:
        """All that is kept once the frame is done."""
        if self.full is None or self.guide is None:
            return {}
        return {
            "number": np.array(self.full.number),
            "box": np.array(self.full.box),
            "picture": self.full.picture,
            "hole": self.full.hole,
            "spoiled": self.full.spoiled,
            "guide": self.guide,
            "size": np.array(self.size),
        }

    @staticmethod
    def unpacked(packed: Packed) -> "Look":
        """What `packed` gave."""
        if not packed:
            return Look(None, 0)
        box = Box(*map(int, packed["box"]))
        layer = Layer(int(packed["number"]), box, packed["picture"], packed["hole"], packed["spoiled"])
        return Look(layer, int(packed["size"]), guide=packed["guide"])


def spoiled_in(holed: Any) -> Box | None:
    """Where in a frame what is spoiled lies; None where nothing is."""
    return Box.around(holed.spoiled) if holed.spoiled.any() else None


def look_at(number: int, holed: Any, around: Sequence[Box | None]) -> Look:
    """A look at frame `number`; `around`: where anything is in it and in its neighbours."""
    boxes = [box for box in around if box is not None]
    if not boxes:
        return Look(None, 0, holed.item)
    frame = Box(0, 0, *holed.hole.shape)
    top, left = min(box.top for box in boxes), min(box.left for box in boxes)
    height, width = max(box.bottom for box in boxes) - top, max(box.right for box in boxes) - left
    box = Box(top, left, height, width).grown(MARGIN, MARGIN).within(frame).aligned(HALF, HALF)
    hole, spoiled = (_beyond(pixels[_inner(box, frame)], box) for pixels in (holed.hole, holed.spoiled))
    layer = Layer(number, box, _part(holed.frame, box, frame), hole, spoiled)
    filled = _part(holed.filled, box, frame) if hole.any() else None
    # Frames of 8 bits with half-size chroma, twice: what is done to them is kept, too.
    return Look(layer, 24 * hole.size + 3 * holed.hole.size, holed.item, filled)


def _part(picture: SourceFrame, box: Box, frame: Box) -> UInt16[np.ndarray, "h w 3"]:
    colours = picture.region(box.within(frame))
    return _beyond(np.rint(np.clip(colours, 0, 1) * np.float32(LEVEL * 255)).astype(np.uint16), box)


def _inner(box: Box, frame: Box) -> tuple[slice, slice]:
    inner = box.within(frame)
    return inner.rows, inner.columns


def _beyond(pixels: np.ndarray, box: Box) -> np.ndarray:
    """Pixels of a box, of which the last row or column may lie beyond the frame: it repeats the one before."""
    missing = ((0, box.height - pixels.shape[0]), (0, box.width - pixels.shape[1]))
    return np.pad(pixels, (*missing, *[(0, 0)] * (pixels.ndim - 2)), mode="edge")
