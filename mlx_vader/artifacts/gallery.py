"""All thirteen on one sheet: what they look like, where the masks are, what they do to single pixels."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from mlx_vader.arrays import Clip, Frame
from mlx_vader.artifacts.artifact import Spoiled
from mlx_vader.artifacts.drawing.text import open_font
from mlx_vader.artifacts.registry import ARTIFACTS, GROUPS
from mlx_vader.artifacts.spoiling import apply
from mlx_vader.artifacts.vocabulary import font_file
from mlx_vader.levels import to_levels
from mlx_vader.resizing import crop_and_resize

CELL = (400, 225)
FINENESS = 2  # artifacts are applied to frames so many times as wide as a cell
COLUMNS = 4
GAP = 16
CAPTION = 46
HEADING = 52
PAPER, PEN, FAINT = "#ffffff", "#16181d", "#6b7280"
INSET = 108
MAGNIFIED = 3
TOGETHER = (("corner_logo", "video_compression"), ("film_grain", "jpeg_compression"))


class _Cell(NamedTuple):
    picture: Image.Image
    name: str
    about: str


def contact_sheet(
    frames: Clip, key: int = 0, *, severity: float = 0.5, vocabulary: str = "train", logos: Path | None = None
) -> UInt8[np.ndarray, "rows columns 3"]:
    """A labelled sheet of the clip's middle frame, clean, with each artifact, and with two pairs of them.

    Overlays show their mask in an inset; degradations a magnified part, clean on the left and spoiled on the right.
    The clip is cropped to 16:9 and scaled to 800x450. `severity`, `vocabulary` and `logos` as for `apply`.
    """
    clean = _scaled(frames)
    middle = len(clean) // 2

    def spoiled(*names: str) -> _Cell:
        mixed = Spoiled(clean, np.zeros((*clean.shape[:3], 1), np.float32), (), True)
        for name in names:
            step = apply(name, mixed.frames, key, severity=severity, vocabulary=vocabulary, logos=logos)
            mixed = step._replace(mask=np.maximum(mixed.mask, step.mask))
        picture = _picture(mixed.frames[middle])
        if mixed.mask.any():
            _mask_inset(picture, mixed.mask[middle])
        if names[-1] in GROUPS["degradations"]:
            outside = mixed.frames[middle] * (1 - mixed.mask[middle]) + clean[middle] * mixed.mask[middle]
            _detail_inset(picture, clean[middle], outside)
        return _Cell(
            picture, " + ".join(names), ARTIFACTS[names[0]].about if len(names) == 1 else "two at once"
        )

    overlays = [_Cell(_picture(clean[middle]), "clean", "the frame as it was")]
    overlays += [spoiled(name) for name in GROUPS["overlays"]] + [spoiled(*TOGETHER[0])]
    degradations = [spoiled(name) for name in GROUPS["degradations"]] + [spoiled(*TOGETHER[1])]
    note = f"severity {severity:g}, seed {key}, vocabulary {vocabulary}"
    return _laid_out(
        (f"Overlays  ·  inset: the mask  ·  {note}", overlays),
        (f"Degradations  ·  inset: clean | spoiled, {MAGNIFIED}x", degradations),
    )


def drawn_scene(length: int = 9, height: int = 450, width: int = 800) -> Clip:
    """Hills under an evening sky that pass by at different speeds: what to spoil when no video is at hand."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    texture = np.asarray(
        Image.fromarray(rng.integers(0, 255, (height // 3, width), np.uint8)).resize((2 * width, height)),
        np.float32,
    )
    colours = np.array([[0.36, 0.45, 0.60], [0.24, 0.36, 0.38], [0.13, 0.22, 0.17]], np.float32)
    sky = np.stack([0.30 + 1.2 * y, 0.45 + 0.55 * y, 0.72 - 0.45 * y], -1).clip(0, 1)
    sun = np.clip(1.2 - np.hypot(x - 1.2, y - 0.42) / 0.09, 0, 1)[..., None]
    scene = np.empty((length, height, width, 3), np.float32)
    for time, frame in enumerate(scene):
        frame[...] = sky * (1 - sun) + sun * (1, 0.93, 0.7)
        for depth, colour in enumerate(colours, 1):
            shift = 0.004 * time * depth
            along = x[0] + shift
            waves = 0.07 * np.sin(5 * along / depth + 2 * depth) + 0.02 * np.sin(31 * along + depth)
            ridge = 0.42 + 0.14 * depth + waves
            grain = np.roll(texture, -round(shift * height), axis=1)[:, :width] / 255 - 0.5
            shade = colour * (1 + 0.35 * grain[..., None])
            cover = np.clip((y - ridge) * height, 0, 1)[..., None]
            frame[...] = frame * (1 - cover) + shade * cover
    return np.clip(scene, 0, 1)


def _scaled(frames: Clip) -> Float[np.ndarray, "t rows columns 3"]:
    """Cropped about the middle to the cell's shape, and scaled to FINENESS times its size."""
    width, height = CELL[0] * FINENESS, CELL[1] * FINENESS
    return np.stack([crop_and_resize(frame, height, width) for frame in frames])


def _picture(frame: Frame) -> Image.Image:
    return Image.fromarray(to_levels(frame[None])[0]).reduce(FINENESS)


def _mask_inset(picture: Image.Image, mask: Float[np.ndarray, "h w 1"]) -> None:
    """The mask in small, in the corner that has least of it."""
    small = Image.fromarray(to_levels(mask[..., 0])).resize((INSET, INSET * CELL[1] // CELL[0]))
    height, width = mask.shape[0] // 2, mask.shape[1] // 2
    corners = {
        (right, below): mask[
            below * height : (below + 1) * height, right * width : (right + 1) * width
        ].mean()
        for below in (0, 1)
        for right in (0, 1)
    }
    _paste_framed(picture, small.convert("RGB"), *min(corners, key=lambda corner: corners[corner]))


def _detail_inset(picture: Image.Image, clean: Frame, spoiled: Frame) -> None:
    """The part that changed most, magnified: its left half clean, its right half spoiled."""
    side = INSET // MAGNIFIED
    change = np.abs(spoiled - clean).mean(-1)
    rows, columns = change.shape[0] // side, change.shape[1] // side
    blocks = change[: rows * side, : columns * side].reshape(rows, side, columns, side).mean((1, 3))
    row, column = (int(index) for index in np.unravel_index(blocks.argmax(), blocks.shape))
    part = np.s_[row * side : (row + 1) * side, column * side : (column + 1) * side]
    both = np.concatenate([clean[part][:, : side // 2], spoiled[part][:, side // 2 :]], axis=1)
    big = Image.fromarray(to_levels(both[None])[0]).resize((side * MAGNIFIED,) * 2, Image.Resampling.NEAREST)
    ImageDraw.Draw(big).line((big.width // 2, 0, big.width // 2, big.height), fill=PAPER)
    _paste_framed(picture, big, 0 if column > columns / 2 else 1, 1)


def _paste_framed(picture: Image.Image, inset: Image.Image, right: int, below: int) -> None:
    margin = 8
    left = picture.width - inset.width - margin if right else margin
    top = picture.height - inset.height - margin if below else margin
    ImageDraw.Draw(picture).rectangle(
        (left - 2, top - 2, left + inset.width + 1, top + inset.height + 1), fill=PAPER
    )
    picture.paste(inset, (left, top))


def _laid_out(*sections: tuple[str, list[_Cell]]) -> UInt8[np.ndarray, "h w 3"]:
    """The sections below one another, four cells a row."""
    bold, plain = (font_file("font_lato", f"Lato-{weight}.ttf") for weight in ("Bold", "Regular"))
    row_height = CELL[1] + CAPTION
    rows = [-(-len(cells) // COLUMNS) for _, cells in sections]
    width = COLUMNS * CELL[0] + (COLUMNS + 1) * GAP
    height = sum(HEADING + row * (row_height + GAP) for row in rows)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    top = 0
    for (heading, cells), row_count in zip(sections, rows, strict=True):
        draw.text((GAP, top + 16), heading, PEN, open_font(bold, 22))
        top += HEADING
        for index, cell in enumerate(cells):
            x = GAP + index % COLUMNS * (CELL[0] + GAP)
            y = top + index // COLUMNS * (row_height + GAP)
            sheet.paste(cell.picture, (x, y))
            draw.text((x, y + CELL[1] + 4), cell.name, PEN, open_font(bold, 17))
            draw.text((x, y + CELL[1] + 25), cell.about, FAINT, open_font(plain, 14))
        top += row_count * (row_height + GAP)
    return np.asarray(sheet)
