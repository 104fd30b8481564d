"""Rectangles of pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool


class Box(NamedTuple):
    """`height` rows from `top` on and `width` columns from `left` on."""

    top: int
    left: int
    height: int
    width: int

    @staticmethod
    def around(pixels: Bool[np.ndarray, "h w"]) -> Box:
        """The smallest box that holds all pixels that are set; there has to be one."""
        rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
        top, left = int(rows[0]), int(columns[0])
        return Box(top, left, int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left)

    @property
    def xywh(self) -> tuple[int, int, int, int]:
        """x, y, width and height: how boxes are told to people and programs."""
        return self.left, self.top, self.width, self.height

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + self.width

    @property
    def rows(self) -> slice:
        """Its rows of an array."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """Its columns of an array."""
        return slice(self.left, self.right)

    def grown(self, columns: int, rows: int) -> Box:
        """With so many columns and rows more on each side."""
        return Box(self.top - rows, self.left - columns, self.height + 2 * rows, self.width + 2 * columns)

    def aligned(self, columns: int, rows: int) -> Box:
        """Grown to whole blocks of so many columns and rows."""
        top, left = self.top // rows * rows, self.left // columns * columns
        return Box(
            top, left, -(-self.bottom // rows) * rows - top, -(-self.right // columns) * columns - left
        )

    def within(self, other: Box) -> Box:
        """What lies in the other box too; of no size where nothing does."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        return Box(
            top,
            left,
            max(0, min(self.bottom, other.bottom) - top),
            max(0, min(self.right, other.right) - left),
        )

    def seen_from(self, other: Box) -> Box:
        """Where it lies in a picture that begins at the other box."""
        return Box(self.top - other.top, self.left - other.left, self.height, self.width)

    def reduced(self, columns: int, rows: int) -> Box:
        """Which chroma samples cover it, one for a block of 2**`columns` and 2**`rows` pixels."""
        top, left = self.top >> rows, self.left >> columns
        return Box(top, left, -(-self.bottom >> rows) - top, -(-self.right >> columns) - left)

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return self.height > 0 and self.width > 0
