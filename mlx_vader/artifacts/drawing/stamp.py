"""Artwork becomes a stamp: ink, outline, shadow, relief and soft edges, ready to be laid over frames."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageChops, ImageColor, ImageFilter

from mlx_vader.artifacts.randomness import chance, pick

# Fainter than this cannot be seen in 8 bits; the far tails of shadows end here.
FAINTEST = 1 / 512

Stamp = Float[np.ndarray, "h w 4"]
"""Premultiplied RGB and alpha, float32 in [0, 1]."""

Canvas = Float[np.ndarray, "rows columns 4"]
"""A stamp of another size than the one it was made from."""


class Patch(NamedTuple):
    """A stamp at its place: the row and column of its top left corner, which may lie outside the frame."""

    top: int
    left: int
    stamp: Stamp


@dataclass(frozen=True)
class Finish:
    """How artwork is put on screen. Lengths in pixels."""

    outline: int = 0
    outline_colour: str = "#000000"
    shadow: float = 0.0
    shadow_offset: tuple[int, int] = (0, 0)
    shadow_blur: float = 0.0
    relief: float = 0.0
    softness: float = 0.0


def random_finish(rng: np.random.Generator, size: float) -> Finish:
    """A finish for artwork about `size` pixels high: plain 35 %, outline, shadow, relief (glass), and combinations."""
    kind = pick(rng, ("plain", "outline", "shadow", "both", "relief"), (0.35, 0.15, 0.28, 0.12, 0.10))
    unit = max(1.0, size / 24)
    softness = rng.uniform(0.4, 1.2) if chance(rng, 0.35) else 0.0
    outline = max(1, round(unit * rng.uniform(0.5, 1.2))) if kind in {"outline", "both"} else 0
    colour = pick(rng, ("#000000", "#202020", "#ffffff"), (0.6, 0.2, 0.2))
    if kind not in {"shadow", "both"}:
        return Finish(
            outline, colour, relief=rng.uniform(0.5, 0.9) if kind == "relief" else 0.0, softness=softness
        )
    shift = max(1, round(unit * rng.uniform(0.4, 1.4)))
    side = -shift if chance(rng, 0.1) else shift
    return Finish(
        outline,
        colour,
        shadow=rng.uniform(0.4, 0.9),
        shadow_offset=(shift, side),
        shadow_blur=unit * rng.uniform(0.3, 1.0),
        softness=softness,
    )


def solid(cover: Image.Image, colour: str, second: str | None = None) -> Image.Image:
    """Coverage filled with a colour, or with a vertical gradient to a second one; RGBA artwork."""
    artwork = Image.new("RGBA", cover.size, ImageColor.getrgb(colour))
    if second is not None:
        ramp = Image.linear_gradient("L").resize(cover.size)
        artwork.paste(Image.new("RGBA", cover.size, ImageColor.getrgb(second)), mask=ramp)
    artwork.putalpha(cover)
    return artwork


def stack(*layers: tuple[Image.Image, tuple[int, int]]) -> Image.Image:
    """Artworks over one another, each at its (x, y); as large as they need."""
    left, top = (min(place[axis] for _, place in layers) for axis in (0, 1))
    right = max(x + art.width for art, (x, _) in layers)
    bottom = max(y + art.height for art, (_, y) in layers)
    canvas = Image.new("RGBA", (right - left, bottom - top), (0, 0, 0, 0))
    for art, (x, y) in layers:
        canvas.alpha_composite(art, (x - left, y - top))
    return canvas


def fit_within(artwork: Image.Image, width: float, height: float) -> Image.Image:
    """The artwork, made smaller if it is larger than the room."""
    scale = min(width / artwork.width, height / artwork.height, 1.0)
    if scale == 1.0:
        return artwork
    return artwork.resize(
        (max(1, round(artwork.width * scale)), max(1, round(artwork.height * scale))), Image.Resampling.BOX
    )


def ink(artwork: Image.Image, finish: Finish) -> Stamp:
    """The artwork with its finish, fully opaque where the artwork is."""
    reach = max(abs(finish.shadow_offset[0]), abs(finish.shadow_offset[1]))
    margin = 2 + finish.outline + reach + int(np.ceil(3 * max(finish.softness, finish.shadow_blur)))
    canvas = Image.new("RGBA", (artwork.width + 2 * margin, artwork.height + 2 * margin), (0, 0, 0, 0))
    canvas.paste(artwork, (margin, margin))
    cover = canvas.getchannel("A")
    stamp = _glass(canvas, finish.relief) if finish.relief else premultiplied(canvas)
    if finish.outline:
        wide = _widened(cover, finish.outline)
        stamp = over(stamp, _flat(wide, finish.outline_colour))
        cover = wide
    if finish.shadow:
        shadow = cover.transform(
            cover.size,
            Image.Transform.AFFINE,
            (1, 0, -finish.shadow_offset[1], 0, 1, -finish.shadow_offset[0]),
        )
        shadow = shadow.filter(ImageFilter.GaussianBlur(finish.shadow_blur))
        stamp = over(stamp, _flat(shadow, "#000000") * np.float32(finish.shadow))
    return softened(stamp, finish.softness) if finish.softness else stamp


def over(upper: Stamp, lower: Stamp) -> Stamp:
    """One stamp on top of another of the same size."""
    return upper + lower * (1 - upper[..., 3:])


def softened(stamp: Stamp, sigma: float) -> Stamp:
    """The stamp slightly out of focus, as after scaling and coding."""
    return _from_bands(_to_bands(stamp).filter(ImageFilter.GaussianBlur(sigma)))


def turned(stamp: Stamp, angle: float) -> Canvas:
    """The stamp turned by so many degrees against the clock, in a box that holds all of it."""
    return _from_bands(_to_bands(stamp).rotate(angle, Image.Resampling.BICUBIC, expand=True))


def warped(stamp: Stamp, x: float, y: float, scale: tuple[float, float], angle: float) -> Patch:
    """The stamp centred at (x, y), to a fraction of a pixel; scaled along its own axes, then turned, in degrees."""
    height, width = stamp.shape[:2]
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    reach_x = (abs(cos) * width * scale[0] + abs(sin) * height * scale[1]) / 2 + 1
    reach_y = (abs(sin) * width * scale[0] + abs(cos) * height * scale[1]) / 2 + 1
    left, top = int(np.floor(x - reach_x)), int(np.floor(y - reach_y))
    size = (int(np.ceil(x + reach_x)) - left, int(np.ceil(y + reach_y)) - top)
    # From a place in the box to the place in the stamp: shift, turn back, scale back.
    a, b = cos / scale[0], -sin / scale[0]
    d, e = sin / scale[1], cos / scale[1]
    c = width / 2 + a * (left - x) + b * (top - y)
    f = height / 2 + d * (left - x) + e * (top - y)
    bands = _to_bands(stamp).transform(
        size, Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR
    )
    return Patch(top, left, _from_bands(bands))


def premultiplied(artwork: Image.Image) -> Stamp:
    """Plain artwork as a stamp of the same size."""
    stamp = np.asarray(artwork, np.float32) / 255
    stamp[..., :3] *= stamp[..., 3:]
    return stamp


def _flat(cover: Image.Image, colour: str) -> Stamp:
    ink_of = np.array((*ImageColor.getrgb(colour), 255), np.float32) / 255
    return np.asarray(cover, np.float32)[..., None] / 255 * ink_of


def _widened(cover: Image.Image, width: int) -> Image.Image:
    wide = cover.filter(ImageFilter.MaxFilter(2 * width + 1))
    return wide.filter(ImageFilter.GaussianBlur(0.4 * width))


def _glass(artwork: Image.Image, strength: float) -> Stamp:
    """A faint white body lit from the top left, its bright parts raised: broadcasters' translucent logos."""
    body = np.asarray(artwork.getchannel("A"), np.float32) / 255
    height = ImageChops.multiply(
        artwork.getchannel("A"), artwork.convert("L").point(lambda luma: 100 + luma * 155 // 255)
    )
    soft = np.asarray(height.filter(ImageFilter.GaussianBlur(max(0.8, height.height / 60))), np.float32) / 255
    light = np.zeros_like(soft)
    light[1:-1, 1:-1] = soft[2:, 2:] - soft[:-2, :-2]
    bright, dark = np.clip(light * 2, 0, 1) * strength, np.clip(-light * 2, 0, 1) * strength
    white = np.clip(0.35 * body + bright, 0, 1)
    alpha = np.clip(white + dark, 0, 1)
    return np.stack([np.minimum(white, alpha)] * 3 + [alpha], -1).astype(np.float32)


def _to_bands(stamp: Stamp) -> Image.Image:
    """Four independent 8-bit bands: mode CMYK, since Pillow would multiply an RGBA picture by its alpha again."""
    data = (stamp * 255 + np.float32(0.5)).astype(np.uint8)
    return Image.frombytes("CMYK", (data.shape[1], data.shape[0]), data.tobytes())


def _from_bands(bands: Image.Image) -> Stamp:
    stamp = np.asarray(bands, np.float32) / 255
    # Filters round each band for itself; a colour above its alpha would glow.
    stamp[..., :3] = np.minimum(stamp[..., :3], stamp[..., 3:])
    return stamp
