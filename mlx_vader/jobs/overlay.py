"""A mask over the picture it is for, and numbered boxes around marks."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.process import FoundMark

#: What is marked is tinted in magenta, by half; boxes are yellow, and grey around what is left alone.
_TINT, _STRENGTH = np.array([255, 0, 200], np.float32), 0.5
_BOX, _LEFT = (255, 220, 0), (190, 190, 190)
#: Sizes as shares of the picture's height.
_LINE, _TEXT = 1 / 360, 1 / 28


def overlay(levels: LevelFrame, mask: Mask, marks: Sequence[FoundMark] = (), frame: int = 0) -> LevelFrame:
    """The picture with the mask (0 to 1) as a tint, and the box and number, from 1, of each mark that is there."""
    shown = levels.copy()
    rows, columns = np.nonzero(mask[..., 0])
    strength = _STRENGTH * mask[rows, columns]
    shown[rows, columns] = levels[rows, columns] * (1 - strength) + _TINT * strength + 0.5
    there = [(number, mark) for number, mark in enumerate(marks, start=1) if _is_there(mark, mask, frame)]
    return _labelled(shown, there) if there else shown


def _is_there(mark: FoundMark, mask: Mask, frame: int) -> bool:
    """Whether a mark is at its place in this frame. What is left is not in the mask; what moves is elsewhere."""
    if frame < mark.first or (mark.last is not None and frame > mark.last):
        return False
    x, y, width, height = mark.box
    return mark.treated == "left" or bool(mask[y : y + height, x : x + width].any())


def _labelled(levels: LevelFrame, marks: Sequence[tuple[int, FoundMark]]) -> LevelFrame:
    image = Image.fromarray(levels)
    draw = ImageDraw.Draw(image)
    line = max(1, round(_LINE * image.height))
    font = ImageFont.load_default(max(12, round(_TEXT * image.height)))
    for number, mark in marks:
        x, y, width, height = mark.box
        colour = _LEFT if mark.treated == "left" else _BOX
        # Around the mark, not on it.
        outer = (x - 2 * line, y - 2 * line, x + width + 2 * line - 1, y + height + 2 * line - 1)
        draw.rectangle(outer, outline=colour, width=line)
        _label(draw, str(number), outer, font, colour, image.size)
    return np.asarray(image)


def _label(
    draw: ImageDraw.ImageDraw,
    text: str,
    box: tuple[int, int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: tuple[int, int, int],
    size: tuple[int, int],
) -> None:
    """A tag on the upper left corner of the box, or below it where there is no room above; within the picture."""
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height = right - left + 8, bottom - top + 8
    x = min(max(box[0], 0), size[0] - width)
    y = box[1] - height if box[1] >= height else min(box[3] + 1, size[1] - height)
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    draw.text((x + 4 - left, y + 4 - top), text, font=font, fill="black")
