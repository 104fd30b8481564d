"""Maps of large frames that are never whole in memory: a piece is made when it is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlx_vader.boxes import Box

#: What makes one piece: (h, w, c) of a box of the map.
Cut = Callable[[Box], np.ndarray]


class Pieces:
    """Stands for an array (h, w, c), or for a clip of it (1, h, w, c): `clip[:, rows, columns]` makes that piece.

    numpy takes it for the whole array, at the price of the memory that it saves.
    """

    def __init__(self, shape: tuple[int, ...], cut: Cut) -> None:
        self.shape = shape
        self._cut = cut

    def __getitem__(self, key: tuple[slice, slice, slice] | None) -> Any:
        """`None` makes a clip of one frame; rows and columns have a start and a stop."""
        if key is None:
            return Pieces((1, *self.shape), self._cut)
        _, rows, columns = key
        box = Box(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
        return self._cut(box)[None]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of it."""
        whole = self._cut(Box(0, 0, *self.shape[-3:-1]))
        return np.asarray(whole.reshape(self.shape), dtype)
