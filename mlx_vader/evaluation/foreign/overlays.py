"""The overlays of the suite `foreign`: for each frame of a clip a picture with alpha, as large as the frame."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.foreign.painting import drawing, lettering, pick, rimmed_shape, words
from mlx_vader.evaluation.material import Material
from mlx_vader.levels import to_unit

#: Where a mark covers a pixel by more than this before its opacity counts, the pixel is in the true mask.
COVERED = 1 / 16
#: A mark keeps away from the border by so much of the frame's height.
_MARGIN = 0.05


class Canvas(NamedTuple):
    """The clip that is drawn over: frames, and their size in pixels."""

    frames: int
    height: int
    width: int

    def holding(self, mark: Image.Image, left: float, top: float) -> Image.Image:
        """A transparent picture of the frame's size with a mark in it, cut at the border."""
        picture = Image.new("RGBA", (self.width, self.height), (0, 0, 0, 0))
        picture.paste(mark, (round(left), round(top)))
        return picture

    def fitting(self, mark: Image.Image) -> Image.Image:
        """The mark, smaller if it is too wide for the frame."""
        widest = max(1, round(self.width - 2 * _MARGIN * self.height))
        if mark.width <= widest:
            return mark
        return mark.resize(
            (widest, max(1, round(mark.height * widest / mark.width))), Image.Resampling.LANCZOS
        )


Overlay = Callable[[np.random.Generator, Material, Canvas], Iterator[Image.Image]]


def clip_art(rng: np.random.Generator, material: Material, canvas: Canvas) -> Iterator[Image.Image]:
    """A drawing in a corner."""
    mark = drawing(pick(rng, material.drawings), round(canvas.height * rng.uniform(0.18, 0.3)))
    yield from _in_a_corner(rng, mark, canvas)


def emblem_and_lettering(
    rng: np.random.Generator, material: Material, canvas: Canvas
) -> Iterator[Image.Image]:
    """A drawing and a name beside it, in a corner: a logo of two parts."""
    height = round(canvas.height * rng.uniform(0.11, 0.16))
    emblem = drawing(pick(rng, material.drawings), height)
    colour = pick(rng, ("#ffffff", "#ffffff", "#f2c230", "#0f3d8c", "#111111"))
    name = lettering(pick(rng, words()["names"]), pick(rng, material.fonts), round(height * 0.6), colour)
    gap = max(2, height // 6)
    mark = Image.new("RGBA", (emblem.width + gap + name.width, max(height, name.height)), (0, 0, 0, 0))
    mark.paste(emblem, (0, (mark.height - height) // 2))
    mark.paste(name, (emblem.width + gap, (mark.height - name.height) // 2))
    yield from _in_a_corner(rng, mark, canvas)


def rimmed_badge(rng: np.random.Generator, material: Material, canvas: Canvas) -> Iterator[Image.Image]:
    """A coloured shape with a contrasting rim, in a corner."""
    side = round(canvas.height * rng.uniform(0.18, 0.3))
    yield from _in_a_corner(rng, rimmed_shape(rng, side, pick(rng, material.fonts)), canvas)


def bouncing_badge(rng: np.random.Generator, material: Material, canvas: Canvas) -> Iterator[Image.Image]:
    """Such a shape on its way across the picture, thrown back by the borders."""
    side = round(canvas.height * rng.uniform(0.14, 0.22))
    yield from across(rng, rimmed_shape(rng, side, pick(rng, material.fonts)), canvas)


def across(rng: np.random.Generator, mark: Image.Image, canvas: Canvas) -> Iterator[Image.Image]:
    """A mark on its way across the picture, thrown back by the borders."""
    room = np.array([canvas.width - mark.width, canvas.height - mark.height])
    start, step = rng.uniform(0, room), rng.uniform(0.01, 0.03, 2) * canvas.height * rng.choice([-1, 1], 2)
    for time in range(canvas.frames):
        # Beyond a border the way is mirrored.
        left, top = room - np.abs((start + time * step) % (2 * room) - room)
        yield canvas.holding(mark, left, top)


def subtitles(rng: np.random.Generator, material: Material, canvas: Canvas) -> Iterator[Image.Image]:
    """Three outlined sentences, one after the other, at the bottom."""
    size = round(canvas.height * rng.uniform(0.06, 0.08))
    font, colour = pick(rng, material.fonts), pick(rng, ("#ffffff", "#fff04a"))
    outline = max(1, round(size / 9))
    said = rng.permutation(words()["subtitles"])[:3]
    lines = [canvas.fitting(lettering(str(line), font, size, colour, outline=outline)) for line in said]
    for time in range(canvas.frames):
        mark = lines[3 * time // canvas.frames]
        yield canvas.holding(
            mark, (canvas.width - mark.width) / 2, canvas.height * (1 - _MARGIN) - mark.height
        )


def tiled_text(rng: np.random.Generator, material: Material, canvas: Canvas) -> Iterator[Image.Image]:
    """A word again and again, aslant, all over the picture."""
    size = round(canvas.height * rng.uniform(0.06, 0.09))
    mark = lettering(pick(rng, words()["tiles"]), pick(rng, material.fonts), size, "#ffffff")
    side = 2 * max(canvas.height, canvas.width)
    field = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    for row, top in enumerate(range(0, side, round(3.5 * mark.height))):
        for left in range(-(row % 2) * mark.width, side, round(1.6 * mark.width)):
            field.paste(mark, (left, top))
    turned = field.rotate(rng.uniform(15, 40), Image.Resampling.BICUBIC)
    yield from [canvas.holding(turned, (canvas.width - side) / 2, (canvas.height - side) / 2)] * canvas.frames


def timestamp(rng: np.random.Generator, material: Material, canvas: Canvas) -> Iterator[Image.Image]:
    """A date and a time that counts the frames, at the top or bottom, half of the time upon a black box."""
    size, font = round(canvas.height * rng.uniform(0.05, 0.07)), pick(rng, material.fonts)
    box, colour = pick(rng, (None, "#000000")), pick(rng, ("#ffffff", "#ff9a1f"))
    date = f"20{rng.integers(10, 30)}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
    started, below = int(rng.integers(0, 90_000)), pick(rng, (True, False))
    for count in range(started, started + canvas.frames):
        clock = f"{count // 90_000:02d}:{count // 1500 % 60:02d}:{count // 25 % 60:02d}.{count % 25:02d}"
        mark = canvas.fitting(lettering(f"{date}  {clock}", font, size, colour, box=box))
        margin = canvas.height * _MARGIN
        yield canvas.holding(mark, margin, canvas.height - margin - mark.height if below else margin)


def laid_over(
    clip: Clip, overlay: Overlay, key: int, material: Material, opacity: float
) -> tuple[Clip, Masks]:
    """A clip with an overlay, and the true mask: 1 where a mark covers more than `COVERED` of a pixel."""
    canvas = Canvas(*clip.shape[:3])
    layers = overlay(np.random.default_rng(key), material, canvas)
    frames, masks = [], []
    for frame, layer in zip(clip, layers, strict=True):
        pixels = to_unit(np.asarray(layer))
        cover = pixels[..., 3:]
        frames.append(frame + np.float32(opacity) * cover * (pixels[..., :3] - frame))
        masks.append((cover > COVERED).astype(np.float32))
    return np.stack(frames), np.stack(masks)


def _in_a_corner(rng: np.random.Generator, mark: Image.Image, canvas: Canvas) -> Iterator[Image.Image]:
    margin = canvas.height * _MARGIN
    mark = canvas.fitting(mark)
    left = pick(rng, (margin, canvas.width - margin - mark.width))
    top = pick(rng, (margin, canvas.height - margin - mark.height))
    yield from [canvas.holding(mark, left, top)] * canvas.frames
