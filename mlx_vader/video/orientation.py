"""How stored pictures are turned upright: quarter turns and mirrors of a display matrix."""

from dataclasses import dataclass

import av
import numpy as np
from av.sidedata.sidedata import Type
from jaxtyping import Float

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

    def upright(self, picture: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h2 w2 c"]:
        """The picture as it is meant to be seen, contiguous in memory."""
        if self.transposed:
            picture = picture.transpose(1, 0, 2)
        if self.columns_reversed:
            picture = picture[:, ::-1]
        if self.rows_reversed:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


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


def orientation_of(frame: av.VideoFrame) -> Orientation:
    """The orientation that a decoded frame's display matrix asks for, to the nearest quarter turn."""
    matrix = side_data(frame, Type.DISPLAYMATRIX)
    return from_matrix(np.frombuffer(matrix, np.int32)) if matrix else Orientation()


def from_matrix(matrix: np.ndarray) -> Orientation:
    """`matrix` is (a, b, u, c, d, v, x, y, w): a point (p, q) is shown at (a p + c q, b p + d q)."""
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(True, columns_reversed=c < 0, rows_reversed=b < 0)
    return Orientation(False, columns_reversed=a < 0, rows_reversed=d < 0)
