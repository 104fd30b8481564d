"""Shift-tolerant LPIPS (Ghildyal and Liu, ECCV 2022), AlexNet: a perceptual distance that forgives a pixel's shift.

Its values are not those of LPIPS. The weights are the user's own, imported once as `st-lpips-alex`.
"""

from collections.abc import Callable

import mlx.core as mx
import numpy as np
from jaxtyping import Float

from mlx_vader.errors import VaderError
from mlx_vader.losses.perceptual import cached, load_perceptual

NAME = "st-lpips-alex"

#: Below this the last blur has no two pixels to mirror.
SMALLEST = 21


def find_st_lpips() -> Callable[[np.ndarray, np.ndarray], float] | None:
    """The metric, or `None` when its weights are not in the cache (`losses.perceptual.how_to_get(NAME)` says how).

    It takes a clip and the clean one, (t, h, w, 3), RGB in [0, 1], and gives the mean distance over the frames; 0 for
    equal ones. Frame by frame: 0.3 s of one core and 0.13 GB for a pair of 256 × 256, 5 s and 1.6 GB for 1280 × 720. It
    raises `VaderError` for frames smaller than 21 × 21; this function raises it for a damaged file.
    """
    if not cached(NAME).is_file():
        return None
    distance = load_perceptual(cached(NAME))

    def st_lpips(clip: Float[np.ndarray, "t h w 3"], clean: Float[np.ndarray, "t h w 3"]) -> float:
        height, width = clip.shape[1:3]
        if min(height, width) < SMALLEST:
            raise VaderError(
                f"ST-LPIPS needs frames of at least {SMALLEST}x{SMALLEST}, not {width}x{height}",
                hint="take larger clips",
            )
        pairs = zip(clip, clean, strict=True)
        return float(np.mean([distance(mx.array(a)[None], mx.array(b)[None]).item() for a, b in pairs]))

    return st_lpips
