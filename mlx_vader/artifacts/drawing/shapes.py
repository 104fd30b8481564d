"""Closed outlines in the unit square, and how they become coverage."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

Outline = Float[np.ndarray, "points 2"]

_SUPERSAMPLING = 4


def _superellipse(power: float) -> Outline:
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    x, y = np.cos(angle), np.sin(angle)
    return 0.5 + 0.5 * np.stack(
        [np.sign(x) * np.abs(x) ** (2 / power), np.sign(y) * np.abs(y) ** (2 / power)], 1
    )


def _star(points: int, inner: float) -> Outline:
    angle = np.arange(2 * points) * np.pi / points - np.pi / 2
    radius = np.where(np.arange(2 * points) % 2 == 0, 0.5, 0.5 * inner)
    return 0.5 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def _polygon(sides: int, turn: float) -> Outline:
    angle = (np.arange(sides) + turn) * 2 * np.pi / sides - np.pi / 2
    return 0.5 + 0.5 * np.stack([np.cos(angle), np.sin(angle)], 1)


def _pill() -> Outline:
    angle = np.linspace(-np.pi / 2, np.pi / 2, 32)
    right = np.stack([0.78 + 0.22 * np.cos(angle), 0.5 + 0.22 * np.sin(angle)], 1)
    return np.concatenate([right, 1 - right])


def _shield() -> Outline:
    t = np.linspace(0, 1, 24)
    right = np.stack([0.92 - 0.42 * t**2.2, 0.12 + 0.88 * t], 1)
    left = np.stack([1 - right[::-1, 0], right[::-1, 1]], 1)
    return np.concatenate([right, left, [[0.5, 0.02]]])


def _drop() -> Outline:
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.stack([0.5 + 0.4 * np.sin(angle) * np.sin(angle / 2) ** 1.2, 0.5 - 0.5 * np.cos(angle)], 1)


def _corners(*points: tuple[float, float]) -> Outline:
    return np.array(points, np.float64)


SHAPES: dict[str, Callable[[], Outline]] = {
    "disc": lambda: _superellipse(2),
    "rounded_square": lambda: _superellipse(9),
    "squircle": lambda: _superellipse(4),
    "shield": _shield,
    "pill": _pill,
    "hexagon": lambda: _polygon(6, 0.5),
    "octagon": lambda: _polygon(8, 0.5),
    "star": lambda: _star(5, 0.45),
    "burst": lambda: _star(14, 0.82),
    "diamond": lambda: _polygon(4, 0),
    "triangle": lambda: _corners((0.5, 0.05), (1, 0.95), (0, 0.95)),
    "slanted_bar": lambda: _corners((0.15, 0.28), (1, 0.28), (0.85, 0.72), (0, 0.72)),
    "bar": lambda: _corners((0, 0.28), (1, 0.28), (1, 0.72), (0, 0.72)),
    "banner": lambda: _corners((0, 0.25), (1, 0.25), (0.88, 0.5), (1, 0.75), (0, 0.75), (0.12, 0.5)),
    "drop": _drop,
}


def shape_cover(name: str, size: int) -> Image.Image:
    """The coverage of a shape in a square of `size` pixels, antialiased; mode L."""
    big = size * _SUPERSAMPLING
    canvas = Image.new("L", (big, big), 0)
    # Pillow cuts coordinates to whole pixels; half a pixel more makes that a rounding, and keeps shapes centred.
    outline = SHAPES[name]() * (big - 1) + 0.5
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in outline], fill=255)
    return canvas.reduce(_SUPERSAMPLING)
