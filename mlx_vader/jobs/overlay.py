"""A mask over the picture it is for, and numbered boxes around marks."""

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.process import FoundMark

#: What is marked is tinted in magenta, by half.
_TINT, _STRENGTH = np.array([255, 0, 200], np.float32), 0.5
#: Colours of boxes around marks that are taken, and around those that are left.
TAKEN, LEFT = (60, 220, 90), (255, 210, 40)


def overlay(levels: LevelFrame, mask: Mask, marks: Sequence[FoundMark] = (), frame: int = 0) -> LevelFrame:
    """The picture with the mask (0 to 1) as a tint, and the box and number, from 1, of each mark that is there."""
    shown = levels.copy()
    rows, columns = np.nonzero(mask[..., 0])
    strength = _STRENGTH * mask[rows, columns]
    shown[rows, columns] = levels[rows, columns] * (1 - strength) + _TINT * strength + 0.5
    there = [(number, mark) for number, mark in enumerate(marks, start=1) if _is_there(mark, mask, frame)]
    return numbered(shown, there) if there else shown


def _is_there(mark: FoundMark, mask: Mask, frame: int) -> bool:
    """Whether a mark is at its place in this frame. What is left is not in the mask; what moves is elsewhere."""
    if frame < mark.first or (mark.last is not None and frame > mark.last):
        return False
    x, y, width, height = mark.box
    return mark.treated == "left" or bool(mask[y : y + height, x : x + width].any())


def numbered(levels: LevelFrame, marks: Iterable[tuple[int, FoundMark]]) -> LevelFrame:
    """The picture with a box around each mark, not on it, and its number."""
    canvas = Image.fromarray(levels)
    draw = ImageDraw.Draw(canvas)
    size = max(12, canvas.height // 28)
    font = ImageFont.load_default(size)
    for number, mark in marks:
        colour = LEFT if mark.treated == "left" else TAKEN
        x, y, width, height = mark.box
        line = max(1, size // 10)
        box = x - line, y - line, x + width + line - 1, y + height + line - 1
        draw.rectangle(box, outline=colour, width=line)
        wide, high = round(draw.textlength(str(number), font=font)) + size // 2, size + size // 4
        # Above the box; inside it where there is no room.
        top = y - high - line if y >= high + line else y
        left = min(max(x - line, 0), max(canvas.width - wide, 0))
        draw.rectangle((left, top, left + wide, top + high), fill=colour)
        draw.text((left + wide / 2, top + high / 2), str(number), font=font, fill="black", anchor="mm")
    return np.asarray(canvas)
