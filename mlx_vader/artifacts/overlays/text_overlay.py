"""Text on the picture: subtitles, credits, timecodes, lower thirds, stamps."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from mlx_vader.artifacts.artifact import Style
from mlx_vader.artifacts.drawing.compose import Paint, in_corner, opacity, reference_length, still
from mlx_vader.artifacts.drawing.stamp import Finish, Patch, fit_within, ink, random_finish, solid, stack
from mlx_vader.artifacts.drawing.text import credit, sentence, text_cover
from mlx_vader.artifacts.randomness import chance, pick

KINDS = {"subtitle": 0.32, "credit": 0.26, "timecode": 0.14, "lower_third": 0.14, "stamp": 0.14}
CORNERS = ("top left", "top right", "bottom left", "bottom right", "top", "bottom", "centre")


def text_overlay(
    height: int, width: int, length: int, rng: np.random.Generator, severity: float, style: Style
) -> Paint:
    """One of five kinds of text. Subtitles and timecodes are nearly opaque at any severity, as on real video."""
    kind = pick(rng, list(KINDS), list(KINDS.values()))
    page = _Page(height, width, reference_length(height, width), rng, severity, style)
    kinds: dict[str, Callable[[], Paint]] = {
        "subtitle": page.subtitle,
        "credit": page.credit,
        "timecode": page.timecode,
        "lower_third": page.lower_third,
        "stamp": page.stamp,
    }
    return kinds[kind]()


class _Page:
    """What the five kinds share: the frame, the random draw, the opacity."""

    def __init__(
        self,
        height: int,
        width: int,
        reference: float,
        rng: np.random.Generator,
        severity: float,
        style: Style,
    ) -> None:
        self.height, self.width, self.reference = height, width, reference
        self.rng, self.words = rng, style.vocabulary
        self.opacity = np.float32(opacity(rng, severity))
        self.firm = np.float32(0.6 + 0.4 * self.opacity)

    def subtitle(self) -> Paint:
        """One or two lines in the lower part, outlined, shadowed, or on a dark box."""
        rng = self.rng
        line, script = sentence(rng, self.words)
        font = pick(rng, self.words.fonts_for("plain", "serif", script=script))
        size = self._size(0.10, 0.17)
        colour = pick(rng, ("#ffffff", "#ffe94a", "#e8e8e8"), (0.65, 0.25, 0.1))
        look = pick(rng, ("outline", "shadow", "box"), (0.5, 0.25, 0.25))
        artwork = self._fit(solid(text_cover(line, font, size), colour))
        unit = max(1, round(size / 14))
        if look == "box":
            stamp = ink(_boxed(artwork, size // 3, "#000000", rng.uniform(0.45, 1.0)), Finish())
        elif look == "outline":
            stamp = ink(artwork, Finish(outline=unit, softness=0.4))
        else:
            stamp = ink(artwork, Finish(shadow=0.9, shadow_offset=(unit, unit), shadow_blur=0.8 * unit))
        bottom = self.height * rng.uniform(0.03, 0.15)
        return still(
            in_corner(
                stamp * self.firm, "bottom" if chance(rng, 0.9) else "top", self.height, self.width, bottom
            )
        )

    def credit(self) -> Paint:
        """A handle, a web address or a name, small, anywhere along the borders."""
        rng, size = self.rng, self._size(0.09, 0.2)
        font = pick(rng, self.words.fonts_for("plain", "serif", "display"))
        artwork = self._fit(
            solid(text_cover(credit(rng, self.words), font, size), pick(rng, self.words.palettes)[0])
        )
        stamp = ink(artwork, random_finish(rng, size)) * self.opacity
        margin = self.reference * rng.uniform(0.03, 0.15)
        return still(in_corner(stamp, pick(rng, CORNERS), self.height, self.width, margin))

    def timecode(self) -> Paint:
        """A running clock with frames, or a date; in a box or bare. It changes with every frame."""
        rng, size = self.rng, self._size(0.10, 0.18)
        font = pick(rng, self.words.fonts_for("mono"))
        first = int(rng.integers(0, 25 * 86400))
        corner = pick(rng, CORNERS[:-1])
        margin = self.reference * rng.uniform(0.03, 0.12)
        boxed, colour = chance(rng, 0.5), pick(rng, ("#ffffff", "#ffd400", "#ff9a1f"))
        date = (
            f"20{rng.integers(10, 27)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02} "
            if chance(rng, 0.35)
            else ""
        )
        finish = Finish() if boxed else Finish(outline=1, softness=0.4)

        def paint(time: int) -> Patch:
            text = _clock(first + time)
            text = f"{date}{text[:8]}" if date else text
            artwork = self._fit(solid(text_cover(text, font, size), colour))
            stamp = ink(_boxed(artwork, size // 3, "#000000", 0.7) if boxed else artwork, finish)
            return in_corner(stamp * self.firm, corner, self.height, self.width, margin)

        return paint

    def lower_third(self) -> Paint:
        """A name in a coloured bar with a second, smaller line, at the lower left."""
        rng, size = self.rng, self._size(0.11, 0.17)
        bar, _, letters = pick(rng, self.words.palettes)
        font = pick(rng, self.words.fonts_for("plain"))
        name = self._fit(solid(text_cover(pick(rng, self.words.brands), font, size), letters), 0.7)
        note = self._fit(
            solid(text_cover(credit(rng, self.words), font, max(8, round(size * 0.7))), "#ffffff"), 0.7
        )
        pad = max(2, size // 3)
        upper = _boxed(name, pad, bar, 1.0)
        lower = _boxed(note, pad, "#101010", rng.uniform(0.4, 0.9))
        stamp = ink(stack((upper, (0, 0)), (lower, (0, upper.height))), Finish()) * self.firm
        return still(
            in_corner(stamp, "bottom left", self.height, self.width, self.height * rng.uniform(0.05, 0.15))
        )

    def stamp(self) -> Paint:
        """A large word such as PREVIEW across the middle, filled or as an outline of letters."""
        rng = self.rng
        size = self._size(0.2, 0.42)
        font = pick(rng, self.words.fonts_for("plain", "serif", "display"))
        stroke = max(1, size // 24)
        hollow = chance(rng, 0.3)
        cover = text_cover(
            pick(rng, self.words.stamps), font, size, stroke=stroke if hollow else 0, hollow=hollow
        )
        artwork = self._fit(solid(cover, pick(rng, ("#ffffff", "#d01818", "#101010"), (0.7, 0.15, 0.15))))
        return still(
            in_corner(
                ink(artwork, random_finish(rng, size)) * self.opacity, "centre", self.height, self.width, 0
            )
        )

    def _size(self, low: float, high: float) -> int:
        return max(9, round(self.reference * self.rng.uniform(low, high)))

    def _fit(self, artwork: Image.Image, part: float = 0.92) -> Image.Image:
        return fit_within(artwork, part * self.width, 0.5 * self.height)


def _clock(frame: int) -> str:
    seconds, frames = divmod(frame, 25)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"


def _boxed(artwork: Image.Image, pad: int, colour: str, strength: float) -> Image.Image:
    """The artwork on a plain rectangle of the given opacity."""
    cover = Image.new("L", (artwork.width + 2 * pad, artwork.height + 2 * pad), round(255 * strength))
    return stack((solid(cover, colour), (0, 0)), (artwork, (pad, pad)))
