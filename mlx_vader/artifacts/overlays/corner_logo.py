"""A still logo in a corner: the mark of a site, an editor or a camera."""

import numpy as np

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.drawing.compose import Paint, in_corner, opacity, reference_length, still
from mlx_vader.artifacts.drawing.emblem import emblem
from mlx_vader.artifacts.drawing.stamp import fit_within, ink, random_finish
from mlx_vader.artifacts.randomness import pick

SIZE = (0.18, 0.45)
MARGIN = (0.02, 0.15)
PLACES = {"bottom right": 0.35, "top right": 0.25, "bottom left": 0.2, "top left": 0.15, "centre": 0.05}


def corner_logo(
    height: int, width: int, length: int, rng: np.random.Generator, severity: float, style: Style
) -> Paint:
    """An emblem 0.18 to 0.45 of the reference length high."""
    reference = reference_length(height, width)
    size = reference * rng.uniform(*SIZE)
    artwork = fit_within(emblem(rng, style, round(size)), 0.8 * width, 0.8 * height)
    stamp = ink(artwork, random_finish(rng, size)) * np.float32(opacity(rng, severity))
    place = pick(rng, list(PLACES), list(PLACES.values()))
    return still(in_corner(stamp, place, height, width, reference * rng.uniform(*MARGIN)))
