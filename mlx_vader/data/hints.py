"""The hints of training clips: often none, else what a user might have drawn around the overlays."""

import numpy as np
from jaxtyping import Float

from mlx_vader.masks.growth import along_both
from mlx_vader.masks.hint import ARTIFACT, CLEAN, UNKNOWN

#: How often nothing is known, and how often what is not marked is unknown rather than clean.
BLIND, ONLY_MARKED = 0.5, 0.3
#: How often a mask is drawn as a box, and by how many pixels the others are too large.
BOX, LARGEST = 0.2, 4


def random_hint(mask: Float[np.ndarray, "t h w 1"], rng: np.random.Generator) -> Float[np.ndarray, "t h w 1"]:
    """1 around the overlays, -1 or 0 elsewhere, or 0 everywhere; one manner of drawing for the whole clip."""
    if rng.random() < BLIND:
        return np.full(mask.shape, UNKNOWN, np.float32)
    elsewhere = UNKNOWN if rng.random() < ONLY_MARKED else CLEAN
    box, growth = rng.random() < BOX, int(rng.integers(0, LARGEST + 1))
    marked = np.stack(
        [_box(frame) if box else along_both(frame, growth, np.logical_or) for frame in mask > 0]
    )
    return np.where(marked, np.float32(ARTIFACT), np.float32(elsewhere))


def _box(marked: np.ndarray) -> np.ndarray:
    """The smallest upright rectangle around everything marked."""
    rows, columns = np.asarray(marked.any(axis=(1, 2))), np.asarray(marked.any(axis=(0, 2)))
    return _between_first_and_last(rows)[:, None, None] & _between_first_and_last(columns)[None, :, None]


def _between_first_and_last(line: np.ndarray) -> np.ndarray:
    return np.logical_or.accumulate(line) & np.logical_or.accumulate(line[::-1])[::-1]
