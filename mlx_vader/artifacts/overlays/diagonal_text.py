"""One large line of text across the picture, from corner to corner, sometimes repeated in parallel."""

import numpy as np

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.drawing.compose import Paint, opacity, still
from mlx_vader.artifacts.drawing.stamp import Canvas, Patch, Stamp, ink, random_finish, solid, turned
from mlx_vader.artifacts.drawing.text import credit, text_cover
from mlx_vader.artifacts.randomness import chance, pick
from mlx_vader.artifacts.vocabulary import Font

LENGTH = (0.6, 0.95)  # of the diagonal
THICKEST = 0.3  # of the shorter side
PARALLEL = 0.25


def diagonal_text(
    height: int, width: int, length: int, rng: np.random.Generator, severity: float, style: Style
) -> Paint:
    """Text as long as 0.6 to 0.95 of the frame's diagonal, along it to within ten degrees, rising or falling.

    Opacity is three quarters of other overlays': a line this large is rarely solid.
    """
    words = style.vocabulary
    text = pick(rng, words.stamps) if chance(rng, 0.5) else credit(rng, words)
    text = text.upper() if chance(rng, 0.4) else text
    font = pick(rng, words.fonts_for("plain", "serif", "display"))
    diagonal = float(np.hypot(height, width))
    size = _size_for(text, font, diagonal * rng.uniform(*LENGTH), THICKEST * min(height, width))
    hollow = chance(rng, 0.3)
    cover = text_cover(text, font, size, stroke=max(1, size // 28) if hollow else 0, hollow=hollow)
    colour = pick(
        rng, ("#ffffff", "#c8c8c8", "#101010", pick(rng, words.palettes)[0]), (0.6, 0.15, 0.1, 0.15)
    )
    stamp = ink(solid(cover, colour), random_finish(rng, size))
    stamp = stamp * np.float32(0.75 * opacity(rng, severity) + 0.04)
    rising = float(np.degrees(np.arctan2(height, width))) + rng.uniform(-10, 10)
    line = turned(stamp, rising if chance(rng, 0.75) else -rising)
    if not chance(rng, PARALLEL):
        return still(Patch(round((height - line.shape[0]) / 2), round((width - line.shape[1]) / 2), line))
    return still(Patch(0, 0, _parallel(line, height, width, round(height * rng.uniform(0.4, 0.6)))))


def _size_for(text: str, font: Font, room: float, thickest: float) -> int:
    """The font size at which the text is `room` long, or its letters `thickest` high."""
    probe = text_cover(text, font, 40)
    return max(9, round(40 * min(room / probe.width, thickest / probe.height)))


def _parallel(line: Stamp, height: int, width: int, distance: int) -> Canvas:
    """The line in the middle, and once above and once below it."""
    canvas = np.zeros((height, width, 4), np.float32)
    for shift in (-distance, 0, distance):
        top, left = (height - line.shape[0]) // 2 + shift, (width - line.shape[1]) // 2
        rows = slice(max(0, top), min(height, top + line.shape[0]))
        columns = slice(max(0, left), min(width, left + line.shape[1]))
        if rows.start < rows.stop and columns.start < columns.stop:
            part = line[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            canvas[rows, columns] = np.maximum(canvas[rows, columns], part)
    return canvas
