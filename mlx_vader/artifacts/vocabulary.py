"""The words, icons, shapes, colours and fonts that overlays are made of, read from vocabulary.toml."""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from mlx_vader.errors import UsageError, VaderError, choices

VOCABULARIES = ("train", "val")
ICON_FONT = ("font_font_awesome", "FontAwesome5-Free-Solid.otf")


@dataclass(frozen=True)
class Font:
    """One font file; `role` is plain, serif, display or mono, `scripts` what it can write."""

    path: str
    role: str
    scripts: tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Everything an overlay may show. `lines` are spoken or captioned sentences by script."""

    name: str
    syllables: tuple[str, ...]
    brands: tuple[str, ...]
    stamps: tuple[str, ...]
    channels: tuple[str, ...]
    badges: tuple[str, ...]
    domains: tuple[str, ...]
    tags: tuple[str, ...]
    icons: tuple[str, ...]
    shapes: tuple[str, ...]
    palettes: tuple[tuple[str, str, str], ...]
    lines: dict[str, tuple[str, ...]]
    fonts: tuple[Font, ...]

    def fonts_for(self, *roles: str, script: str = "latin") -> tuple[Font, ...]:
        """The fonts with one of the roles that can write the script; any that can write it if no role fits."""
        able = tuple(font for font in self.fonts if script in font.scripts)
        return tuple(font for font in able if font.role in roles) or able


@lru_cache
def vocabulary(name: str) -> Vocabulary:
    """The vocabulary called `train` or `val`. Raises UsageError for another name, VaderError if a font is missing."""
    if name not in VOCABULARIES:
        raise UsageError(f"no vocabulary is called {name!r}", hint=choices(name, VOCABULARIES))
    table = tomllib.loads(files(__package__).joinpath("vocabulary.toml").read_text(encoding="utf-8"))[name]
    fonts = tuple(
        Font(font_file(entry["package"], file), entry["role"], tuple(entry["scripts"]))
        for entry in table["fonts"]
        for file in entry["files"]
    )
    icons = tuple(chr(int(code, 16)) for code in table["icons"])
    lines = {script: tuple(sentences) for script, sentences in table["lines"].items()}
    palettes = tuple((first, second, letters) for first, second, letters in table["palettes"])
    words = ("syllables", "brands", "stamps", "channels", "badges", "domains", "tags", "shapes")
    return Vocabulary(
        name=name,
        icons=icons,
        palettes=palettes,
        lines=lines,
        fonts=fonts,
        **{kind: tuple(table[kind]) for kind in words},
    )


class MissingFontError(VaderError):
    """The fonts of the overlays are not installed."""


@lru_cache
def font_file(package: str, file: str) -> str:
    """The path of a font file inside an installed font package, found without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingFontError(
            f"the font package {package} is missing", hint="pip install 'vader-mlx[train]'"
        )
    return str(Path(spec.origin).parent / "files" / file)
