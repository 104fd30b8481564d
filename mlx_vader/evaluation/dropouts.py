"""The suite `dropouts`: lines and blocks that are missing in one to three frames, as tapes and transmissions lose them.

Methods are given the true mask: who reads a tape or decodes a stream knows what was lost.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.case import Case, Spoiled
from mlx_vader.evaluation.material import Material

#: Faults that begin in a frame, on average.
RATES = {"few": 0.5, "many": 3.0}
#: Frames that a fault lasts, at most.
LONGEST = 3
#: Rows of a lost line, at most, and the side of a block, as of MPEG and H.264, in pixels.
THICKEST, BLOCK = 4, 16

#: Draws where the pixels of a fault are: rows and columns of a frame of a height and a width.
Fault = Callable[[np.random.Generator, int, int], tuple[slice, slice]]


def line(rng: np.random.Generator, height: int, width: int) -> tuple[slice, slice]:
    """A few rows, from a quarter of the picture's width to all of it."""
    rows, columns = int(rng.integers(1, THICKEST + 1)), round(width * rng.uniform(0.25, 1))
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    return slice(top, top + rows), slice(left, left + columns)


def blocks(rng: np.random.Generator, height: int, width: int) -> tuple[slice, slice]:
    """Macroblocks on the encoder's grid, beside each other: one, to a fifth of a row."""
    down, along = -(-height // BLOCK), -(-width // BLOCK)
    top, left = int(rng.integers(down)), int(rng.integers(along))
    count = int(rng.integers(1, max(1, along // 5) + 1))
    return slice(BLOCK * top, BLOCK * (top + 1)), slice(BLOCK * left, BLOCK * (left + count))


def lost(fault: Fault, rate: float, rng: np.random.Generator, shape: tuple[int, int, int]) -> Masks:
    """The mask of a clip of so many frames, rows and columns: 1 where something is missing."""
    frames, height, width = shape
    mask = np.zeros((*shape, 1), np.float32)
    for first in range(frames):
        for _ in range(rng.poisson(rate)):
            mask[first : first + rng.integers(1, LONGEST + 1), *fault(rng, height, width)] = 1
    return mask


def _with_faults(
    fault: Fault, rate: float, level: float, clip: Clip, key: int, material: Material
) -> Spoiled:
    mask = lost(fault, rate, np.random.default_rng(key), clip.shape[:3])
    return Spoiled(np.where(mask > 0, np.float32(level), clip), mask)


#: Lost lines of a tape are white, lost blocks of a stream grey.
CASES = tuple(
    Case(artifact, severity, "dropout", partial(_with_faults, fault, rate, level))
    for artifact, fault, level in (("lost_lines", line, 1.0), ("lost_blocks", blocks, 0.5))
    for severity, rate in RATES.items()
)
