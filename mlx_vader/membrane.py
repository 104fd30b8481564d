"""A membrane stretched over a hole: Laplace's equation with the surroundings as its border.

Pérez et al., "Poisson Image Editing", SIGGRAPH 2003, without a guide. Only pixels of holes and those near them are
read: the work grows with the holes, not with the frame.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy import sparse

from mlx_vader.arrays import Pixels

#: Texture is measured in blocks of so many pixels.
BLOCK = 4
#: Sweeps of the relaxation, at each size from the coarsest on.
SWEEPS = 2

Colours = Float32[np.ndarray, "n c"]
#: Pixels of a picture, counted row by row.
Places = Int[np.ndarray, "..."]


@dataclass(frozen=True)
class _Level:
    """One size of the picture. Each hole pixel is to be the mean of its four neighbours.

    `inner` says which of them are in the hole, `border` which are known. It begins as its parent, the pixel that covers
    it at half the size: `parents` are numbers among the known pixels there and then those of the hole.
    """

    inner: sparse.csr_array
    border: sparse.csr_array
    parents: Places

    def solved(self, known: Colours, coarser: Float32[np.ndarray, "m c"]) -> Float32[np.ndarray, "k c"]:
        """The colours in the hole, from the known ones at this size, and known and solved ones at half of it."""
        outside = self.border @ known
        inside = np.take(coarser, self.parents, axis=0)
        for _ in range(SWEEPS):
            inside = self.inner @ inside
            inside += outside
        return inside


@dataclass(frozen=True)
class _Blocks:
    """Where texture is measured for a hole. `pixels`: those of each block that is known, (b, BLOCK * BLOCK).

    `membrane` carries what is measured there to the blocks with a hole; `of_hole`: for each hole pixel, which of them.
    """

    pixels: Places
    membrane: "Membrane"
    of_hole: Places


@dataclass(frozen=True)
class Membrane:
    """All that a hole needs besides colours. `places` are its pixels, `around` the known ones that count.

    `means[k]` are the known colours at level k + 1 from those at level k, which is half as coarse.
    """

    hole: Pixels
    places: Places
    around: Places
    means: tuple[sparse.csr_array, ...]
    levels: tuple[_Level, ...]

    def stretched(self, pixels: Colours) -> Float32[np.ndarray, "m c"]:
        """The colours of the hole's pixels; `pixels` are all of the picture's, row by row."""
        return self.solved(np.take(pixels, self.around, axis=0))

    def solved(self, known: Colours) -> Float32[np.ndarray, "m c"]:
        """The colours of the hole's pixels from those at `around`."""
        sizes = [known]
        for mean in self.means:
            sizes.append(mean @ sizes[-1])
        coarser = sizes.pop()
        for level, here in zip(reversed(self.levels), reversed(sizes), strict=True):
            inside = level.solved(here, coarser)
            coarser = np.concatenate([here, inside])
        return inside

    @cached_property
    def blocks(self) -> _Blocks | None:
        """Blocks with a hole, and those next to them, which its rim may spoil, are not known. None where all are so."""
        height, width = self.hole.shape
        with_hole = np.zeros((-(-height // BLOCK), -(-width // BLOCK)), np.uint8)
        y, x = np.divmod(self.places, width)
        with_hole[y // BLOCK, x // BLOCK] = 1
        near = cv2.dilate(with_hole, np.ones((3, 3), np.uint8)) > 0
        if near.all():
            return None
        membrane = membrane_over(near)
        top, left = np.divmod(membrane.around, near.shape[1])
        inner = np.arange(BLOCK)
        # Blocks that reach over the border go on with the border's pixels.
        rows = np.minimum(BLOCK * top[:, None] + inner, height - 1)
        columns = np.minimum(BLOCK * left[:, None] + inner, width - 1)
        pixels = rows[:, :, None] * width + columns[:, None, :]
        number = _numbered(near.size, membrane.places)
        of_hole = number[y // BLOCK * near.shape[1] + x // BLOCK]
        return _Blocks(pixels.reshape(len(top), -1), membrane, of_hole)


def stretched_over(picture: Float32[np.ndarray, "h w ..."], hole: Pixels) -> Float32[np.ndarray, "h w ..."]:
    """A picture of any channels with a membrane in its hole; as it is where the hole is empty or all of it."""
    if not hole.any() or hole.all():
        return picture
    membrane, result = membrane_over(hole), picture.copy()
    pixels = result.reshape(hole.size, -1)
    pixels[membrane.places] = membrane.stretched(pixels)
    return result


def membrane_over(hole: Pixels) -> Membrane:
    """The membrane over a hole that is neither empty nor the whole picture.

    Remembered: most masks stay as they are from frame to frame.
    """
    return _remembered(hole.shape, np.packbits(hole).tobytes())


@lru_cache(maxsize=32)
def _remembered(shape: tuple[int, int], packed: bytes) -> Membrane:
    count = shape[0] * shape[1]
    return _made(np.unpackbits(np.frombuffer(packed, np.uint8), count=count).reshape(shape).astype(bool))


def _made(hole: Pixels) -> Membrane:
    holes = [hole]
    while holes[-1].any():
        holes.append(_halved(holes[-1]))
    inside = [np.flatnonzero(each) for each in holes]
    around = np.unique(_parents(inside[-2], holes[-2].shape))
    number = _numbered(holes[-1].size, around)
    means, levels = [], []
    for depth in reversed(range(len(holes) - 1)):
        here = holes[depth]
        parents = number[_parents(inside[depth], here.shape)]
        neighbours = _neighbours(inside[depth], here.shape)
        in_hole = here.reshape(-1)[neighbours]
        rows, children = _known_children(around, here)
        needed = [neighbours[~in_hole], children]
        if depth:
            above = _parents(inside[depth - 1], holes[depth - 1].shape)
            needed.append(above[~here.reshape(-1)[above]])
        coarser, around = around, np.unique(np.concatenate(needed))
        number = _numbered(here.size, around, inside[depth])
        shares = (1 / np.bincount(rows, minlength=len(coarser))).astype(np.float32)[rows]
        means.append(_matrix(shares, rows, number[children], (len(coarser), len(around))))
        levels.append(_Level(*_neighbourhood(number[neighbours], in_hole, len(around)), parents))
    return Membrane(hole, inside[0], around, tuple(reversed(means)), tuple(reversed(levels)))


def _numbered(count: int, *places: Places) -> Places:
    """Which of the places, counted on from one array to the next, each of `count` pixels is."""
    number = np.zeros(count, np.intp)
    start = 0
    for some in places:
        number[some] = np.arange(start, start + len(some))
        start += len(some)
    return number


def _halved(hole: Pixels) -> Bool[np.ndarray, "h2 w2"]:
    """Pixels of half the size are unknown where all that they cover are."""
    height, width = hole.shape
    even = np.pad(hole, ((0, height % 2), (0, width % 2)), constant_values=True)
    rows = even[0::2] & even[1::2]
    return rows[:, 0::2] & rows[:, 1::2]


def _parents(places: Places, shape: tuple[int, int]) -> Places:
    """The pixels of half the size that cover these."""
    y, x = np.divmod(places, shape[1])
    return y // 2 * -(-shape[1] // 2) + x // 2


def _known_children(parents: Places, hole: Pixels) -> tuple[Places, Places]:
    """The known pixels that are covered by pixels of half the size, each with its parent's number."""
    height, width = hole.shape
    top, left = np.divmod(parents, -(-width // 2))
    y = 2 * top[:, None] + np.array([0, 0, 1, 1])
    x = 2 * left[:, None] + np.array([0, 1, 0, 1])
    numbers, which = np.nonzero((y < height) & (x < width))
    places = (y * width + x)[numbers, which]
    known = ~hole.reshape(-1)[places]
    return numbers[known], places[known]


def _neighbours(places: Places, shape: tuple[int, int]) -> Places:
    """The four of each pixel, (4, n); beyond the border a pixel is its own neighbour."""
    height, width = shape
    y, x = np.divmod(places, width)
    return np.stack(
        [
            np.maximum(y - 1, 0) * width + x,
            np.minimum(y + 1, height - 1) * width + x,
            y * width + np.maximum(x - 1, 0),
            y * width + np.minimum(x + 1, width - 1),
        ]
    )


def _neighbourhood(
    neighbours: Places, in_hole: Bool[np.ndarray, "4 n"], known: int
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """`inner` and `border` of a level; neighbours are numbers among `known` pixels and then those of the hole."""
    count = neighbours.shape[1]
    rows = np.broadcast_to(np.arange(count), neighbours.shape)
    inner = _matrix(np.float32(0.25), rows[in_hole], neighbours[in_hole] - known, (count, count))
    return inner, _matrix(np.float32(0.25), rows[~in_hole], neighbours[~in_hole], (count, known))


def _matrix(weights: Any, rows: Places, columns: Places, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.coo_array((np.broadcast_to(weights, rows.shape), (rows, columns)), shape).tocsr()
