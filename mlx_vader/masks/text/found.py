"""Lines of text that were found, as they are kept in a work folder."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from mlx_vader.process import FoundMark, Packed


class Found(NamedTuple):
    """A line that was drawn, and its mask in the mark's box."""

    mark: FoundMark
    mask: Bool[np.ndarray, "h w"]

    def shows(self, number: int) -> bool:
        """Whether it is there in a frame."""
        return self.mark.first <= number and (self.mark.last is None or number <= self.mark.last)


def found_mark(box: tuple[int, int, int, int], first: int, last: int, confidence: float) -> FoundMark:
    """What is told of a line."""
    return FoundMark(box, confidence, "fill", "text", first=first, last=last)


def packed(lines: Sequence[Found | None]) -> Packed:
    """Of each line: box, first and last frame, confidence; all zero where nothing was drawn."""
    table = [
        (*line.mark.box, line.mark.first, line.mark.last or 0, line.mark.confidence) if line else (0,) * 7
        for line in lines
    ]
    bits = [np.packbits(line.mask) for line in lines if line is not None]
    return {
        "drawn": np.array(table, np.float64).reshape(-1, 7),
        "bits": np.concatenate([np.zeros(0, np.uint8), *bits]),
    }


def unpacked(kept: Packed) -> list[Found | None]:
    """The lines of `packed`; none of `{}`."""
    lines: list[Found | None] = []
    bits = kept.get("bits", np.zeros(0, np.uint8))
    for x, y, width, height, first, last, confidence in kept.get("drawn", ()):
        box = int(x), int(y), int(width), int(height)
        if not box[2]:
            lines.append(None)
            continue
        length = -(-box[2] * box[3] // 8)
        mask = np.unpackbits(bits[:length], count=box[2] * box[3]).reshape(box[3], box[2]) > 0
        bits = bits[length:]
        lines.append(Found(found_mark(box, int(first), int(last), float(confidence)), mask))
    return lines
