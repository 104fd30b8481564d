"""A broadcaster's logo ("bug"): small, translucent, mostly white or of glass, and quietly animated."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageOps

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.drawing.compose import Paint, in_corner, opacity, reference_length
from mlx_vader.artifacts.drawing.emblem import emblem
from mlx_vader.artifacts.drawing.stamp import (
    Finish,
    Patch,
    Stamp,
    fit_within,
    ink,
    random_finish,
    solid,
    stack,
    warped,
)
from mlx_vader.artifacts.drawing.text import text_cover
from mlx_vader.artifacts.randomness import chance, pick

SIZE = (0.16, 0.34)
MARGIN = (0.06, 0.2)
PLACES = {"top right": 0.45, "top left": 0.2, "bottom right": 0.25, "bottom left": 0.1}
ANIMATIONS = {"still": 0.3, "fade": 0.25, "spin": 0.2, "shine": 0.25}
GLASS = 0.25


def channel_logo(
    height: int, width: int, length: int, rng: np.random.Generator, severity: float, style: Style
) -> Paint:
    """A channel's name or an emblem in a corner, still, fading in and out, turning about its upright axis, or shining.

    One full turn, fade or shine takes 25 to 120 frames, and every clip has a frame where the logo is fully seen.
    """
    reference = reference_length(height, width)
    size = reference * rng.uniform(*SIZE)
    artwork = fit_within(_artwork(rng, style, round(size)), 0.6 * width, 0.6 * height)
    finish = Finish(relief=rng.uniform(0.5, 0.9)) if chance(rng, GLASS) else random_finish(rng, size)
    stamp = ink(artwork, finish) * np.float32(opacity(rng, severity))
    place = pick(rng, list(PLACES), list(PLACES.values()))
    patch = in_corner(stamp, place, height, width, reference * rng.uniform(*MARGIN))
    animation = pick(rng, list(ANIMATIONS), list(ANIMATIONS.values()))
    return _animated(patch, animation, rng.uniform(25, 120), int(rng.integers(length)))


def _artwork(rng: np.random.Generator, style: Style, size: int) -> Image.Image:
    """Half of the time an emblem, else the channel's name in white, often with HD or LIVE cut out of a box below."""
    words = style.vocabulary
    if chance(rng, 0.5):
        return emblem(rng, style, size)
    font = pick(rng, words.fonts_for("plain", "display"))
    name = solid(text_cover(pick(rng, words.channels), font, max(10, round(size * 0.8))), "#ffffff")
    if chance(rng, 0.5):
        return name
    note = text_cover(pick(rng, words.badges), font, max(8, round(size * 0.4)))
    pad = max(1, size // 12)
    box = ImageChops.invert(ImageOps.expand(note, pad))
    return stack((name, (0, 0)), (solid(box, "#ffffff"), (0, name.height + size // 10)))


def _animated(patch: Patch, animation: str, period: float, peak: int) -> Paint:
    """The patch with its animation, at rest and fully seen at frame `peak`."""
    animations: dict[str, Callable[[float], Patch]] = {
        "still": lambda _: patch,
        "fade": lambda phase: patch._replace(stamp=patch.stamp * np.float32(_fade(phase))),
        "spin": lambda phase: _spun(patch, phase),
        "shine": lambda phase: patch._replace(stamp=_lit(patch.stamp, phase)),
    }
    return lambda time: animations[animation]((time - peak) / period % 1)


def _fade(phase: float) -> float:
    """Fully seen for more than half of the period, gone for a tenth, a smooth ramp between."""
    return float(np.clip(0.5 + 1.6 * np.cos(2 * np.pi * phase) + 0.9, 0, 1))


def _spun(patch: Patch, phase: float) -> Patch:
    """Turned about the upright axis, never seen quite edge-on."""
    rows, columns = patch.stamp.shape[:2]
    across = max(0.12, abs(float(np.cos(2 * np.pi * phase))))
    return warped(patch.stamp, patch.left + columns / 2, patch.top + rows / 2, (across, 1.0), 0.0)


def _lit(stamp: Stamp, phase: float) -> Stamp:
    """A slanted band of light, brightest in the middle of the period, runs from left to right inside the logo."""
    rows, columns = stamp.shape[:2]
    y, x = np.mgrid[:rows, :columns]
    reach = columns + rows
    distance = (x + 0.5 * y - (2 * phase - 0.5) * reach) / (0.15 * reach)
    light = (0.8 * np.exp(-np.square(distance)))[..., None].astype(np.float32)
    colour = stamp[..., :3] + light * (stamp[..., 3:] - stamp[..., :3])
    return np.concatenate([colour, stamp[..., 3:]], -1)
