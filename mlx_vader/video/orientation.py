"""How stored pictures are turned upright: quarter turns and mirrors of a display matrix."""

from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type
from jaxtyping import Shaped

from mlx_vader.boxes import Box
from mlx_vader.video.library import side_data


@dataclass(frozen=True)
class Orientation:
    """First rows and columns change places, then columns and rows are reversed."""

    transposed: bool = False
    columns_reversed: bool = False
    rows_reversed: bool = False

    @property
    def rotation(self) -> int:
        """Degrees clockwise that turn the stored picture upright, apart from a mirror."""
        return _ROTATIONS[self]

    @property
    def turns(self) -> bool:
        """Whether there is anything to turn or mirror."""
        return self != UPRIGHT

    def upright(self, picture: Shaped[np.ndarray, "h w *c"]) -> Shaped[np.ndarray, "h2 w2 *c"]:
        """The picture as it is meant to be seen, contiguous in memory."""
        if self.transposed:
            picture = picture.swapaxes(0, 1)
        if self.columns_reversed:
            picture = picture[:, ::-1]
        if self.rows_reversed:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)

    def stored(self, picture: Shaped[np.ndarray, "h w *c"]) -> Shaped[np.ndarray, "h2 w2 *c"]:
        """What `upright` turns into this picture; a view."""
        if self.rows_reversed:
            picture = picture[::-1]
        if self.columns_reversed:
            picture = picture[:, ::-1]
        return picture.swapaxes(0, 1) if self.transposed else picture

    def stored_box(self, box: Box, height: int, width: int) -> Box:
        """Where a box of the upright picture of `height` and `width` lies in the stored one."""
        top = height - box.bottom if self.rows_reversed else box.top
        left = width - box.right if self.columns_reversed else box.left
        if self.transposed:
            return Box(left, top, box.width, box.height)
        return Box(top, left, box.height, box.width)


UPRIGHT = Orientation()

#: Mirrored pictures count as mirrored left to right after the turn.
_ROTATIONS = {
    Orientation(False, False, False): 0,
    Orientation(True, True, False): 90,
    Orientation(False, True, True): 180,
    Orientation(True, False, True): 270,
    Orientation(False, True, False): 0,
    Orientation(True, False, False): 90,
    Orientation(False, False, True): 180,
    Orientation(True, True, True): 270,
}


def display_matrix_of(frame: av.VideoFrame) -> tuple[int, ...]:
    """The nine numbers by which a decoded frame asks to be turned; empty where it does not."""
    matrix = side_data(frame, Type.DISPLAYMATRIX)
    return tuple(int(number) for number in np.frombuffer(matrix, np.int32)) if matrix else ()


def orientation_of(matrix: tuple[int, ...]) -> Orientation:
    """The orientation that a display matrix asks for, to the nearest quarter turn.

    `matrix` is (a, b, u, c, d, v, x, y, w): a point (p, q) is shown at (a p + c q, b p + d q). Empty, it turns nothing.
    """
    if not matrix:
        return UPRIGHT
    a, b, c, d = (matrix[i] for i in (0, 1, 3, 4))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, columns_reversed=c < 0, rows_reversed=b < 0)
    return Orientation(False, columns_reversed=a < 0, rows_reversed=d < 0)


def is_orthogonal(matrix: tuple[int, ...]) -> bool:
    """Whether a display matrix turns and mirrors, and does nothing else but move and scale."""
    a, b, c, d = (matrix[i] for i in (0, 1, 3, 4))
    return (a, b) in {(d, -c), (-d, c)} and bool(a or b) and not (matrix[2] or matrix[5])
