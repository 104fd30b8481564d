"""A logo that wanders over the picture, so that no crop gets rid of it."""

import numpy as np

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.drawing.compose import Paint, opacity, reference_length
from mlx_vader.artifacts.drawing.emblem import emblem
from mlx_vader.artifacts.drawing.motion import random_path
from mlx_vader.artifacts.drawing.stamp import Patch, fit_within, ink, random_finish, solid, warped
from mlx_vader.artifacts.drawing.text import credit, text_cover
from mlx_vader.artifacts.randomness import chance, pick

SIZE = (0.18, 0.42)
TEXT = 0.35


def moving_logo(
    height: int, width: int, length: int, rng: np.random.Generator, severity: float, style: Style
) -> Paint:
    """An emblem or, a third of the time, a line of text, on one of motion.random_path's paths."""
    size = reference_length(height, width) * rng.uniform(*SIZE)
    words = style.vocabulary
    if chance(rng, TEXT):
        cover = text_cover(
            credit(rng, words), pick(rng, words.fonts_for("plain", "serif")), max(9, round(size * 0.45))
        )
        artwork = solid(cover, pick(rng, words.palettes)[0])
    else:
        artwork = emblem(rng, style, round(size))
    artwork = fit_within(artwork, 0.7 * width, 0.7 * height)
    stamp = ink(artwork, random_finish(rng, size)) * np.float32(opacity(rng, severity))
    path = random_path(rng, height, width, (artwork.width / 2, artwork.height / 2))

    def paint(time: int) -> Patch:
        pose = path(time)
        return warped(stamp, pose.x, pose.y, (pose.scale, pose.scale), pose.angle)

    return paint
