"""The stock-footage watermark: a name or a logo repeated over the whole picture, often with lines between."""

import numpy as np
from PIL import Image, ImageDraw

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.drawing.compose import Paint, opacity, reference_length, still
from mlx_vader.artifacts.drawing.emblem import emblem
from mlx_vader.artifacts.drawing.stamp import (
    Canvas,
    Patch,
    Stamp,
    fit_within,
    ink,
    over,
    premultiplied,
    random_finish,
    solid,
    turned,
)
from mlx_vader.artifacts.drawing.text import credit, text_cover
from mlx_vader.artifacts.randomness import chance, pick

SIZE = (0.10, 0.24)
GAP = (0.25, 1.2)
ANGLES = (0.0, 30.0, 45.0, -30.0)
TEXT = 0.6
LINES = 0.3
DRIFT = 0.15


def tiled_pattern(
    height: int, width: int, length: int, rng: np.random.Generator, severity: float, style: Style
) -> Paint:
    """A lattice of one stamp, every second row shifted, turned by 0, 30 or 45 degrees or a random angle.

    Three in ten have thin lines through the lattice; one in seven drifts slowly. Opacity is two thirds of the others'.
    """
    size = reference_length(height, width) * rng.uniform(*SIZE)
    words = style.vocabulary
    if chance(rng, TEXT):
        font = pick(rng, words.fonts_for("plain", "serif", "display"))
        colour = pick(rng, ("#ffffff", "#101010", pick(rng, words.palettes)[0]), (0.65, 0.1, 0.25))
        artwork = solid(text_cover(credit(rng, words), font, max(9, round(size))), colour)
    else:
        artwork = emblem(rng, style, round(1.4 * size))
    artwork = fit_within(artwork, 0.7 * width, 0.7 * height)
    stamp = ink(artwork, random_finish(rng, size))
    angle = pick(rng, (*ANGLES, rng.uniform(-60, 60)))
    stamp = turned(stamp, angle) if angle else stamp
    pitch = _pitch(rng, stamp, (height, width))
    tile = _tile(stamp, pitch, stagger=chance(rng, 0.6), lines=chance(rng, LINES))
    tile *= np.float32(opacity(rng, severity) * 2 / 3 + 0.05)
    origin = rng.integers(0, tile.shape[:2])
    drift = rng.uniform(-1.5, 1.5, 2) if chance(rng, DRIFT) else np.zeros(2)
    if not drift.any():
        return still(Patch(0, 0, _covering(tile, origin, height, width)))
    return lambda time: Patch(
        0, 0, _covering(tile, origin + np.round(drift * time).astype(int), height, width)
    )


def _pitch(rng: np.random.Generator, stamp: Stamp, frame: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns from one stamp to the next, not more than the frame has: every crop shows some of it."""
    gaps = rng.uniform(*GAP, size=2) * min(stamp.shape[:2])
    rows, columns = (
        max(8, round(min(side + gap, limit)))
        for side, gap, limit in zip(stamp.shape, gaps, frame, strict=False)
    )
    return rows, columns


def _tile(stamp: Stamp, pitch: tuple[int, int], *, stagger: bool, lines: bool) -> Canvas:
    """Two rows of the lattice, ready to be repeated; stamps that cross its border go on at the other side."""
    rows, columns = pitch
    tile = np.zeros((2 * rows, columns, 4), np.float32)
    if lines:
        tile = _lines(2 * rows, columns)
    for row, left in ((0, 0), (rows, columns // 2 if stagger else 0)):
        y = (row + np.arange(stamp.shape[0])) % tile.shape[0]
        x = (left + np.arange(stamp.shape[1])) % tile.shape[1]
        # A stamp larger than the tile would meet itself: what lies over the border then covers, instead of adding.
        for top in range(0, len(y), tile.shape[0]):
            for side in range(0, len(x), tile.shape[1]):
                part = stamp[top : top + tile.shape[0], side : side + tile.shape[1]]
                place = np.ix_(y[top : top + tile.shape[0]], x[side : side + tile.shape[1]])
                tile[place] = over(part, tile[place])
    return tile


def _lines(rows: int, columns: int) -> Stamp:
    """Two thin diagonals that meet those of the next tile."""
    cover = Image.new("L", (2 * columns, 2 * rows), 0)
    draw = ImageDraw.Draw(cover)
    draw.line((0, 0, 2 * columns, 2 * rows), fill=200, width=2)
    draw.line((0, 2 * rows, 2 * columns, 0), fill=200, width=2)
    return premultiplied(solid(cover.reduce(2), "#ffffff"))


def _covering(tile: Stamp, origin: np.ndarray, height: int, width: int) -> Canvas:
    """The lattice over the whole frame, starting at `origin` of the tile."""
    rows = (origin[0] + np.arange(height)) % tile.shape[0]
    columns = (origin[1] + np.arange(width)) % tile.shape[1]
    return tile[np.ix_(rows, columns)]
