"""Words: what is written, and its coverage in a real font."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlx_vader.artifacts.randomness import chance, pick
from mlx_vader.artifacts.vocabulary import ICON_FONT, Font, Vocabulary, font_file

_HEBREW = "hebrew"


@lru_cache(maxsize=256)
def open_font(path: str, size: int) -> ImageFont.FreeTypeFont:
    """A font at a size in pixels. The basic layout engine draws the same on every machine."""
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def text_cover(
    text: str, font: Font, size: int, *, stroke: int = 0, hollow: bool = False, align: str = "center"
) -> Image.Image:
    """The coverage of the text, cut to its ink; mode L.

    `stroke` widens the letters by so many pixels; `hollow` keeps only that stroke, the letters as outlines.
    """
    return _cover(text, font.path, size, stroke, hollow, align)


def text_length(text: str, font: Font, size: int) -> int:
    """How many pixels the text takes from its left end to where the next letter would begin."""
    return round(open_font(font.path, max(4, size)).getlength(text))


def icon_cover(icon: str, size: int) -> Image.Image:
    """The coverage of an icon, cut to its ink; mode L."""
    return _cover(icon, font_file(*ICON_FONT), size, 0, False, "center")


def _cover(text: str, path: str, size: int, stroke: int, hollow: bool, align: str) -> Image.Image:
    font = open_font(path, max(4, size))
    spacing = max(1, size // 5)
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = probe.multiline_textbbox(
        (0, 0), text, font, spacing=spacing, align=align, stroke_width=stroke
    )
    canvas = Image.new(
        "L", (max(1, int(np.ceil(right - left)) + 2), max(1, int(np.ceil(bottom - top)) + 2)), 0
    )
    draw = ImageDraw.Draw(canvas)
    place = (1 - left, 1 - top)
    draw.multiline_text(place, text, 255, font, spacing=spacing, align=align, stroke_width=stroke)
    if hollow:
        draw.multiline_text(place, text, 0, font, spacing=spacing, align=align)
    return canvas


def brand(rng: np.random.Generator, words: Vocabulary) -> str:
    """A company's or a product's name, half of the time made up."""
    if chance(rng, 0.5):
        return pick(rng, words.brands)
    return made_up(rng, words).capitalize()


def made_up(rng: np.random.Generator, words: Vocabulary) -> str:
    """A word of two or three of the vocabulary's syllables."""
    return "".join(pick(rng, words.syllables) for _ in range(int(rng.integers(2, 4))))


def credit(rng: np.random.Generator, words: Vocabulary) -> str:
    """Who it belongs to: a handle, a web address, a copyright line, or a stamp such as PREVIEW."""
    kind = pick(rng, ("tag", "address", "brand", "stamp"))
    if kind == "tag":
        number = str(rng.integers(1, 2030)) if chance(rng, 0.4) else ""
        return f"{pick(rng, words.tags)}{made_up(rng, words)}{number}"
    if kind == "address":
        return f"{made_up(rng, words)}{pick(rng, words.domains)}"
    return brand(rng, words) if kind == "brand" else pick(rng, words.stamps)


def sentence(rng: np.random.Generator, words: Vocabulary) -> tuple[str, str]:
    """A subtitle and the script it is written in; a quarter of them are not Latin, where a font can write them."""
    other = [script for script in words.lines if script != "latin"]
    script = pick(rng, other) if other and chance(rng, 0.25) else "latin"
    line = pick(rng, words.lines[script])
    # The basic layout engine writes left to right only.
    return (line[::-1] if script == _HEBREW else line), script
