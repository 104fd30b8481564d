"""The masks that methods are given: the true one, and what people draw instead."""

import numpy as np

from mlx_vader.arrays import Masks
from mlx_vader.masks import along_both

EXACT = "exact"
BOXES = "boxes"
#: By name: by how many pixels the true mask is grown.
GROWN = {EXACT: 0, "grown 1": 1, "grown 2": 2, "grown 3": 3}
#: What the suite `foreign` gives.
DRAWN = (EXACT, "grown 1", "grown 3", BOXES)
#: Of the frame's height: marks that are nearer to each other get one box, and how far a box lies around its marks.
_NEAR, _AROUND = 1 / 16, 1 / 80


def given_mask(mask: Masks, drawn: str) -> Masks:
    """The true mask of a clip as somebody has drawn it: 0 or 1. `drawn` is `BOXES` or one of `GROWN`."""
    held = (mask > 0.5).astype(np.float32)
    if drawn == BOXES:
        return np.stack([_boxed(frame) for frame in held])
    return np.stack([along_both(frame, GROWN[drawn], np.maximum) for frame in held])


def _boxed(mask: np.ndarray) -> np.ndarray:
    """A box around each group of marks."""
    import cv2

    height = len(mask)
    reach, margin = max(1, round(height * _NEAR / 2)), max(1, round(height * _AROUND))
    side = 2 * reach + 1
    count, labels = cv2.connectedComponents(cv2.dilate(mask[..., 0], np.ones((side, side))).astype(np.uint8))
    boxes = np.zeros_like(mask)
    for label in range(1, count):
        rows, columns = np.nonzero((labels == label) & (mask[..., 0] > 0))
        boxes[
            max(0, rows.min() - margin) : rows.max() + 1 + margin,
            max(0, columns.min() - margin) : columns.max() + 1 + margin,
        ] = 1
    return boxes
