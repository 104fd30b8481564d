"""The perceptual distance of a row: LPIPS where its weights are, else the shift-tolerant one, else none."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlx_vader.arrays import Clip
from mlx_vader.losses.perceptual import how_to_get
from mlx_vader.metrics.lpips import find_lpips
from mlx_vader.metrics.st_lpips import NAME, SMALLEST, find_st_lpips

#: Frames of a clip that are compared, spread evenly: each takes as long as restoring it.
FRAMES = 2


@dataclass(frozen=True)
class Perceptual:
    """A named distance of a clip from the clean one; 0 is the same, more is worse. None for frames too small for it."""

    name: str
    distance: Callable[[Clip, Clip], float]

    def __call__(self, restored: Clip, clean: Clip) -> float | None:
        """The mean over `FRAMES` of the frames."""
        if min(clean.shape[1:3]) < SMALLEST:
            return None
        chosen = np.unique(np.linspace(0, len(clean) - 1, FRAMES + 2)[1:-1].round().astype(int))
        return self.distance(restored[chosen], clean[chosen])


def find_perceptual() -> tuple[Perceptual | None, str]:
    """The distance, or None and one line on how to get one. Raises VaderError for a damaged file."""
    published = find_lpips()
    if published is not None:
        return Perceptual("LPIPS (Alex)", published), ""
    shift_tolerant = find_st_lpips()
    if shift_tolerant is not None:
        return Perceptual("ST-LPIPS (Alex)", shift_tolerant), ""
    return None, f"no LPIPS; {how_to_get(NAME)}"
