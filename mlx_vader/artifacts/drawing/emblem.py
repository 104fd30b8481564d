"""Logos: icon, letters or icon in a badge, icon beside a name, wordmark, geometric mark, picture from a folder."""

from functools import lru_cache
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image, ImageChops

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.drawing.shapes import shape_cover
from mlx_vader.artifacts.drawing.stamp import solid, stack
from mlx_vader.artifacts.drawing.text import brand, icon_cover, made_up, text_cover, text_length
from mlx_vader.artifacts.randomness import chance, pick
from mlx_vader.artifacts.vocabulary import Vocabulary
from mlx_vader.errors import VaderError

KINDS = {"icon": 0.12, "badge": 0.24, "icon_badge": 0.18, "lockup": 0.20, "wordmark": 0.14, "mark": 0.12}
PICTURE = 0.5  # of the logos, where a folder of pictures is given
MONOCHROME = 0.25  # of those pictures are shown as a one-coloured silhouette
TRIES = 32  # pictures; those that are opaque, empty or broken are passed over
HELD_OUT = 0.15  # of the folder's pictures are for the validation vocabulary only


def emblem(rng: np.random.Generator, style: Style, size: int) -> Image.Image:
    """RGBA artwork of a logo about `size` pixels high (names beside an icon are lower and wider)."""
    if style.logos is not None and chance(rng, PICTURE):
        return picture(rng, style.logos, style.vocabulary.name, size)
    words = style.vocabulary
    kind = pick(rng, list(KINDS), list(KINDS.values()))
    first, second, letters = pick(rng, words.palettes)
    gradient = second if chance(rng, 0.2) else None
    size = max(10, size)
    if kind == "icon":
        return solid(icon_cover(pick(rng, words.icons), size), first, gradient)
    if kind == "badge":
        return _badge(rng, words, size, (first, letters), gradient, _short_name(rng, words))
    if kind == "icon_badge":
        return _badge(rng, words, size, (first, letters), gradient, None)
    if kind == "mark":
        return _mark(rng, words, size, (first, second))
    name = brand(rng, words)
    if kind == "wordmark":
        return _wordmark(rng, words, name, max(9, size // 2), (first, second))
    return _lockup(rng, words, name, max(12, round(size * 0.7)), (first, second))


def picture(rng: np.random.Generator, folder: Path, split: str, size: int) -> Image.Image:
    """One of the folder's PNG files with alpha, scaled to `size`. Raises VaderError if none can be used."""
    names = _pictures(folder, split)
    candidates = (names[index] for index in rng.integers(len(names), size=TRIES))
    artwork = next((art for name in candidates if (art := _load(name, size)) is not None), None)
    if artwork is None:
        raise VaderError(
            f"{folder} holds no readable logos", hint="give a folder of PNG files with transparency"
        )
    if chance(rng, MONOCHROME):
        return solid(artwork.getchannel("A"), pick(rng, ("#ffffff", "#f0f0f0", "#101010")))
    return artwork


@lru_cache(maxsize=8)
def _pictures(folder: Path, split: str) -> tuple[Path, ...]:
    """The folder's PNG files for a split, by a hash of their names: adding a file moves no other."""
    if not folder.is_dir():
        raise VaderError(
            f"{folder} is not a folder", hint="logos are PNG files with transparency in a folder"
        )
    files = sorted(path for path in folder.rglob("*.png") if path.is_file())
    held_out = [crc32(path.name.encode()) % 100 < 100 * HELD_OUT for path in files]
    chosen = tuple(path for path, held in zip(files, held_out, strict=True) if held == (split == "val"))
    if not chosen:
        raise VaderError(
            f"{folder} holds no PNG files for {split}", hint="logos are PNG files with transparency"
        )
    return chosen


@lru_cache(maxsize=512)
def _thumbnail(path: Path, size: int) -> Image.Image | None:
    """The picture within a square of `size`, cut to its ink; None if it cannot be read, is opaque or is empty."""
    try:
        with Image.open(path) as file:
            art = file.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    alpha = art.getchannel("A")
    box = alpha.point(lambda value: 255 * (value > 12)).getbbox()
    if box is None or alpha.getextrema()[0] == 255:
        return None
    art = art.crop(box)
    art.thumbnail((2 * size, size), Image.Resampling.BOX)
    solid_part = (np.asarray(art.getchannel("A")) > 127).mean()
    return art if min(art.size) >= 4 and solid_part > 0.05 else None


def _load(path: Path, size: int) -> Image.Image | None:
    """The picture at exactly `size`, made from a cached one of a few sizes only."""
    cached = _thumbnail(path, 64 if size <= 64 else 256)
    if cached is None:
        return None
    scale = min(2 * size / cached.width, size / cached.height)
    return cached.resize(
        (max(4, round(cached.width * scale)), max(4, round(cached.height * scale))), Image.Resampling.BILINEAR
    )


def _short_name(rng: np.random.Generator, words: Vocabulary) -> str:
    kind = pick(rng, ("initials", "channel", "badge"))
    if kind == "initials":
        return made_up(rng, words)[: int(rng.integers(1, 4))].upper()
    return pick(rng, words.channels if kind == "channel" else words.badges)


def _badge(
    rng: np.random.Generator,
    words: Vocabulary,
    size: int,
    inks: tuple[str, str],
    gradient: str | None,
    text: str | None,
) -> Image.Image:
    """A shape with letters or, without text, an icon on it; a third of the time cut out of it."""
    cover = shape_cover(pick(rng, words.shapes), size)
    box = cover.point(lambda value: 255 * (value > 127)).getbbox() or (0, 0, size, size)
    room = (0.72 * (box[2] - box[0]), 0.6 * (box[3] - box[1]))
    if text is None:
        content = icon_cover(pick(rng, words.icons), size)
    else:
        content = text_cover(text, pick(rng, words.fonts_for("plain", "display", "serif")), size)
    scale = min(room[0] / content.width, room[1] / content.height)
    content = content.resize(
        (max(1, round(content.width * scale)), max(1, round(content.height * scale))), Image.Resampling.BOX
    )
    place = ((size - content.width) // 2, round((box[1] + box[3] - content.height) / 2))
    if chance(rng, 0.35):
        hole = Image.new("L", cover.size, 0)
        hole.paste(content, place)
        return solid(ImageChops.subtract(cover, hole), inks[0], gradient)
    return stack((solid(cover, inks[0], gradient), (0, 0)), (solid(content, inks[1]), place))


def _mark(rng: np.random.Generator, words: Vocabulary, size: int, inks: tuple[str, str]) -> Image.Image:
    """Two copies of a shape: one inside the other, or side by side and overlapping."""
    shape = pick(rng, words.shapes)
    if chance(rng, 0.5):
        ring = shape_cover(shape, size)
        inner = max(4, round(size * rng.uniform(0.5, 0.8)))
        hole = Image.new("L", ring.size, 0)
        hole.paste(shape_cover(shape, inner), ((size - inner) // 2,) * 2)
        core = max(3, round(inner * rng.uniform(0.4, 0.8)))
        centre = (size - core) // 2
        return stack(
            (solid(ImageChops.subtract(ring, hole), inks[0]), (0, 0)),
            (solid(shape_cover(shape, core), inks[1]), (centre, centre)),
        )
    part = max(6, round(size * 0.7))
    step = round(part * rng.uniform(0.35, 0.75))
    cover = shape_cover(shape, part)
    faint = cover.point(lambda value: round(value * 0.75))
    return stack(
        (solid(cover, inks[0]), (0, 0)), (solid(faint, inks[1]), (step, step if chance(rng, 0.4) else 0))
    )


def _wordmark(
    rng: np.random.Generator, words: Vocabulary, name: str, size: int, inks: tuple[str, str]
) -> Image.Image:
    """A name, sometimes in capitals, sometimes with its second half in another ink or with a line under it."""
    font = pick(rng, words.fonts_for("plain", "serif", "display"))
    name = name.upper() if chance(rng, 0.35) else name
    cover = text_cover(name, font, size)
    if chance(rng, 0.3) and len(name) > 4:
        cut = name.index(" ") if " " in name else len(name) // 2
        artwork = solid(cover, inks[1])
        artwork.paste(solid(cover, inks[0]).crop((0, 0, text_length(name[:cut], font, size), cover.height)))
        return artwork
    if chance(rng, 0.2):
        line = Image.new("L", (cover.width, max(1, size // 12)), 255)
        return stack((solid(cover, inks[0]), (0, 0)), (solid(line, inks[1]), (0, cover.height + size // 8)))
    return solid(cover, inks[0])


def _lockup(
    rng: np.random.Generator, words: Vocabulary, name: str, size: int, inks: tuple[str, str]
) -> Image.Image:
    """An icon with the name beside or below it."""
    icon = solid(icon_cover(pick(rng, words.icons), size), inks[0])
    below = chance(rng, 0.35)
    word = _wordmark(rng, words, name, max(8, round(size * (0.4 if below else 0.6))), (inks[0], inks[1]))
    if below:
        width = max(icon.width, word.width)
        return stack(
            (icon, ((width - icon.width) // 2, 0)),
            (word, ((width - word.width) // 2, icon.height + size // 8)),
        )
    height = max(icon.height, word.height)
    return stack(
        (icon, (0, (height - icon.height) // 2)),
        (word, (icon.width + size // 4, (height - word.height) // 2)),
    )
