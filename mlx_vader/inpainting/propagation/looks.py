"""What is kept of a frame while others are filled from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8

from mlx_vader.boxes import Box
from mlx_vader.inpainting.propagation.layer import HALF, LEVEL, Layer
from mlx_vader.membrane import stretched_over
from mlx_vader.process import Packed

#: Frame pixels around a hole, and around those of the frames before and after, that are kept.
MARGIN = 64


@dataclass(eq=False)
class Look:
    """A frame on its way, and the surroundings of holes in it at full size: None where there are no holes near.

    `holed` is gone once the frame is done. `guide`: grey at half size, with the hole filled by the first pass.
    """

    holed: Any
    full: Layer | None
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
        grey = self.small.picture[..., 0].astype(np.float32) / np.float32(LEVEL)
        return np.rint(stretched_over(grey, self.small.hidden)).astype(np.uint8)

    @cached_property
    def spoiled(self) -> Box | None:
        """Where in the frame what is spoiled lies."""
        if self.full is None or not self.full.spoiled.any():
            return None
        here = Box.around(self.full.spoiled)
        return here._replace(top=here.top + self.full.box.top, left=here.left + self.full.box.left)

    @cached_property
    def size(self) -> int:
        """About how many bytes it holds, frames of 8 bits in half-size chroma."""
        return 0 if self.full is None else 12 * self.full.hole.size + 3 * self.holed.hole.size

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
            return Look(None, None)
        box = Box(*map(int, packed["box"]))
        layer = Layer(int(packed["number"]), box, packed["picture"], packed["hole"], packed["spoiled"])
        look = Look(None, layer, packed["guide"])
        look.size = int(packed["size"])
        return look


def spoiled_in(holed: Any) -> Box | None:
    """Where in a frame what is spoiled lies; None where nothing is."""
    return Box.around(holed.spoiled) if holed.spoiled.any() else None


def look_at(number: int, holed: Any, around: Sequence[Box | None]) -> Look:
    """A look at frame `number`; `around`: where anything is in it and in its neighbours."""
    boxes = [box for box in around if box is not None]
    if not boxes:
        return Look(holed, None)
    frame = Box(0, 0, *holed.hole.shape)
    top, left = min(box.top for box in boxes), min(box.left for box in boxes)
    height, width = max(box.bottom for box in boxes) - top, max(box.right for box in boxes) - left
    box = Box(top, left, height, width).grown(MARGIN, MARGIN).within(frame).aligned(HALF, HALF)
    inner = box.within(frame)
    beyond = ((0, box.height - inner.height), (0, box.width - inner.width))
    colours = np.clip(holed.frame.region(inner), 0, 1)
    hole, spoiled = (
        np.pad(pixels[inner.rows, inner.columns], beyond, mode="edge")
        for pixels in (holed.hole, holed.spoiled)
    )
    picture = np.rint(np.pad(colours, (*beyond, (0, 0)), mode="edge") * 65535).astype(np.uint16)
    return Look(holed, Layer(number, box, picture, hole, spoiled))
