"""Marks as pictures with alpha: drawings, words, and shapes with a rim. Drawn by Pillow alone."""

import colorsys
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_Choice = TypeVar("_Choice")

#: Shapes are drawn so many times as large and reduced, because Pillow's edges are hard.
_FINER = 4
#: Least pixels of a letter's height.
_SMALLEST_TEXT = 9


@cache
def words() -> dict[str, list[str]]:
    """What marks say, by kind."""
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text(encoding="utf-8"))


def pick(rng: np.random.Generator, choices: Sequence[_Choice]) -> _Choice:
    """One of them."""
    return choices[int(rng.integers(len(choices)))]


def drawing(path: Path, height: int) -> Image.Image:
    """A drawing with alpha, so many pixels high."""
    with Image.open(path) as image:
        picture = image.convert("RGBA")
    return picture.resize(
        (max(1, round(picture.width * height / picture.height)), height), Image.Resampling.LANCZOS
    )


def lettering(
    text: str, font: Path, size: int, colour: str, *, outline: int = 0, box: str | None = None
) -> Image.Image:
    """Words in a colour, centred, with a black outline so many pixels wide; upon a plain box where one is named."""
    face = ImageFont.truetype(str(font), max(_SMALLEST_TEXT, size), layout_engine=ImageFont.Layout.BASIC)
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = probe.multiline_textbbox(
        (0, 0), text, face, align="center", stroke_width=outline
    )
    margin = size // 4 if box else 1
    extent = (int(np.ceil(right - left)) + 2 * margin, int(np.ceil(bottom - top)) + 2 * margin)
    picture = Image.new("RGBA", extent, box or (0, 0, 0, 0))
    ImageDraw.Draw(picture).multiline_text(
        (margin - left, margin - top),
        text,
        colour,
        face,
        align="center",
        stroke_width=outline,
        stroke_fill="#000000",
    )
    return picture


def rimmed_shape(rng: np.random.Generator, side: int, font: Path) -> Image.Image:
    """A disc, a polygon or a rounded square in a full colour, with letters and a rim that stand out from it."""
    large = side * _FINER
    hue, rim = rng.uniform(), round(large * rng.uniform(0.05, 0.11))
    fill = _colour(hue, rng.uniform(0.7, 1.0), rng.uniform(0.35, 0.95))
    edge = pick(rng, ("#ffffff", "#000000", "#ffe14d", _colour(hue + 0.5, 0.9, 0.9)))
    picture = Image.new("RGBA", (large, large), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    place = (rim, rim, large - 1 - rim, large - 1 - rim)
    corners = int(rng.integers(0, 7))
    if corners < 2:
        draw.ellipse(place, fill, edge, rim)
    elif corners == 2:
        draw.rounded_rectangle(place, large / 5, fill, edge, rim)
    else:
        turned, radius = int(rng.integers(0, 90)), large / 2 - rim
        draw.regular_polygon((large / 2, large / 2, radius), corners, turned, edge)
        draw.regular_polygon((large / 2, large / 2, radius - 2 * rim), corners, turned, fill)
    inscription = lettering(pick(rng, words()["letters"]), font, large // 4, edge)
    picture.alpha_composite(inscription, tuple((large - extent) // 2 for extent in inscription.size))  # type: ignore[arg-type]
    return picture.resize((side, side), Image.Resampling.BOX)


def _colour(hue: float, saturation: float, value: float) -> str:
    return "#" + "".join(
        f"{round(255 * part):02x}" for part in colorsys.hsv_to_rgb(hue % 1, saturation, value)
    )
