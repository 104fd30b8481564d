"""Lines of text among strokes that live together: of one level and even width, many to a line, alone in their life."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from mlx_vader.masks.text.lives import FEWEST, Life, Picture

#: A line is at least so many pixels high, and at most this share of the picture.
LOWEST, HIGHEST = 5, 0.25
#: Letters and words nearer than this share of the picture's height are of one line.
TOGETHER = 0.045
#: Lines of one text are at most so many heights apart.
APART = 1.0
#: Strokes that a row through the middle of a line crosses, at least, and for each height of the line along it.
CROSSED, CROSSED_PER_HEIGHT = 6.0, (0.5, 5.0)
#: The share of a line's box that strokes cover, and how wide they are at most, as a share of the line's height.
COVERED, WIDEST = (0.1, 0.75), 0.55
#: The levels along the middle of strokes differ by less than this.
EVEN = 30.0
#: What else may live as the lines do: as a share of the picture, and of all strokes that do.
ELSEWHERE, STROKES_ELSEWHERE = 0.15, 0.4
#: A line that crosses so many strokes is long; and what else may live around a short one and a long one, as a share of
#: its box.
LONG, AROUND = 12.0, (0.3, 0.6)


class Line(NamedTuple):
    """A line of text, or several one below the other. `box`: x, y, width, height. `height`: that of one line.

    `bright`: whether strokes are brighter than what is around them. `crossed`: how many a row crosses.
    """

    box: tuple[int, int, int, int]
    height: int
    bright: bool
    crossed: float


def lines_of(life: Life) -> list[Line]:
    """The lines of a life; none where much else of the picture lives as long."""
    bright, dark = (list(_lines(life, is_bright)) for is_bright in (True, False))
    # An outline is a line of strokes too.
    lines = bright + [line for line in dark if not any(_overlap(line, other) for other in bright)]
    others = life.pixels.copy()
    for line in lines:
        others[_around(line, 0.5)] = False
    strokes = life.bright | life.dark
    if others.mean() > ELSEWHERE or (strokes & others).sum() > STROKES_ELSEWHERE * strokes.sum():
        return []
    alone = [line for line in lines if others[_around(line, 2.0)].sum() <= _most_around(line)]
    return _stacked(sorted(alone, key=lambda line: line.box[1]))


def _most_around(line: Line) -> float:
    return AROUND[int(line.crossed >= LONG)] * line.box[2] * line.box[3]


def _stacked(lines: list[Line]) -> list[Line]:
    """Lines one below the other as one; they come from top to bottom."""
    blocks: list[Line] = []
    for line in lines:
        x, y, width, height = line.box
        for number, block in enumerate(blocks):
            left, top, across, down = block.box
            beside = x > left + across or left > x + width
            if block.bright != line.bright or beside or y - (top + down) > APART * max(height, block.height):
                continue
            right, bottom = max(x + width, left + across), max(y + height, top + down)
            left = min(x, left)
            box = left, top, right - left, bottom - top
            blocks[number] = Line(
                box, max(height, block.height), line.bright, max(line.crossed, block.crossed)
            )
            break
        else:
            blocks.append(line)
    return blocks


def _lines(life: Life, bright: bool) -> Iterator[Line]:
    strokes = life.bright if bright else life.dark
    near = 2 * max(3, round(TOGETHER * strokes.shape[0])) + 1
    joined = cv2.morphologyEx(strokes.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, near), np.uint8))
    for box in _boxes(joined):
        x, y, width, height = box
        place = slice(y, y + height), slice(x, x + width)
        if line := _line(strokes[place], life.picture[place], box, bright):
            yield line


def _boxes(joined: UInt8[np.ndarray, "h w"]) -> Iterator[tuple[int, int, int, int]]:
    _, _, found, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for x, y, width, height, pixels in found[1:]:
        if pixels >= FEWEST and LOWEST <= height <= HIGHEST * joined.shape[0] and width >= height:
            yield int(x), int(y), int(width), int(height)


def _line(
    strokes: Bool[np.ndarray, "h w"], picture: Picture, box: tuple[int, int, int, int], bright: bool
) -> Line | None:
    rows = np.flatnonzero(strokes.any(axis=1))
    extreme = (cv2.dilate if bright else cv2.erode)(picture, np.ones((3, 3), np.uint8))
    ridge = picture[strokes & (picture == extreme)]
    if len(rows) < LOWEST or len(ridge) < LOWEST or ridge.std() > EVEN:
        return None
    middle = strokes[rows[0] + len(rows) // 5 : rows[-1] + 1 - len(rows) // 5]
    begins = (np.diff(middle.astype(np.int8), axis=1, prepend=0) == 1).sum(axis=1)
    crossed = float(np.median(begins))
    wide = float(middle.sum()) / max(1, int(begins.sum()))
    per_height = crossed * len(rows) / strokes.shape[1]
    if (
        crossed < CROSSED
        or not CROSSED_PER_HEIGHT[0] <= per_height <= CROSSED_PER_HEIGHT[1]
        or not COVERED[0] <= float(strokes.mean()) <= COVERED[1]
        or wide > max(2.0, WIDEST * len(rows))
    ):
        return None
    return Line(box, box[3], bright, crossed)


def _around(line: Line, heights: float) -> tuple[slice, slice]:
    """The line's box and so many of its heights around it."""
    x, y, width, height = line.box
    room = round(heights * height)
    return slice(max(0, y - room), y + height + room), slice(max(0, x - room), x + width + room)


def _overlap(one: Line, other: Line) -> bool:
    (x, y, width, height), (left, top, across, down) = one.box, other.box
    return x < left + across and left < x + width and y < top + down and top < y + height
