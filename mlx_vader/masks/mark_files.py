"""Marks as files: what was learned of a mark in one video takes it off another.

A file is a PNG with alpha: colours and opacity of the mark's pixels, and where they lie in a frame of which size, as
text in its metadata. Any other picture with alpha, such as a designer's, is a mark in a frame of the picture's size.
"""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mlx_vader.boxes import Box
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.writing import write_file

#: The metadata's name.
_KEY = "vader.mark"
#: How much the shapes of two frames may differ before a mark's place in one says nothing about the other.
_SAME_SHAPE = 0.02
#: Opacities below this cannot be stored in 8 bits, and are none.
_LEAST = 0.5 / 255


@dataclass(frozen=True, eq=False)
class KnownMark:
    """A mark at `box` of a frame of `height` and `width`. `alpha` is (h, w), `colour` (h, w, 3), both in [0, 1]."""

    alpha: Float32[np.ndarray, "h w"]
    colour: Float32[np.ndarray, "h w 3"]
    box: Box
    height: int
    width: int

    def placed(self, height: int, width: int) -> "KnownMark":
        """The mark in a frame of another size. Raises VaderError for one of another shape."""
        if (height, width) == (self.height, self.width):
            return self
        if abs(width * self.height / (self.width * height) - 1) > _SAME_SHAPE:
            raise VaderError(
                f"the mark lies in frames of {self.width}x{self.height}, these are {width}x{height}",
                hint="learn it from a video of the same shape",
            )
        down, across = height / self.height, width / self.width
        top, left = self.box.top * down, self.box.left * across
        box = Box(
            int(top),
            int(left),
            int(np.ceil(self.box.bottom * down)) - int(top),
            int(np.ceil(self.box.right * across)) - int(left),
        ).within(Box(0, 0, height, width))
        # From the centres of its pixels to those of the mark's, premultiplied: what is clear has no colour.
        shown = np.dstack([self.alpha[..., None] * self.colour, self.alpha])
        scaled = _scaled(shown, (down, across), (top - box.top, left - box.left), box)
        return KnownMark(*_separated(scaled), box, height, width)


def save_mark(path: str | os.PathLike[str], mark: KnownMark) -> None:
    """Writes a mark as a PNG. The file appears when it is complete. Raises UsageError for another suffix."""
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise UsageError(f"{target.name}: a mark is a .png file", hint=f"write it to {target.stem}.png")
    about = {"frame": [mark.width, mark.height], "place": [mark.box.left, mark.box.top]}
    text = PngInfo()
    text.add_text(_KEY, json.dumps(about))
    content = io.BytesIO()
    picture = Image.fromarray(to_levels(np.dstack([mark.colour, mark.alpha])))
    picture.save(content, format="PNG", pnginfo=text)
    write_file(target, content.getvalue())


def load_mark(path: str | os.PathLike[str]) -> KnownMark:
    """Reads a mark. Raises VaderError for what is no picture with alpha, is damaged, or shows nothing."""
    source = Path(path)
    try:
        with Image.open(source) as image:
            about = image.info.get(_KEY)
            if not image.has_transparency_data:
                raise VaderError(
                    f"{source} is no mark: it has no alpha", hint="a PNG with a clear background"
                )
            pixels = to_unit(np.asarray(image.convert("RGBA")))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VaderError(f"{source} is not a mark that can be read", hint=_why(error)) from error
    alpha, colour = np.ascontiguousarray(pixels[..., 3]), np.ascontiguousarray(pixels[..., :3])
    if not (alpha > _LEAST).any():
        raise VaderError(f"the mark {source} is wholly clear", hint="draw the mark on a clear background")
    height, width = alpha.shape
    if about is None:
        return KnownMark(alpha, colour, Box(0, 0, height, width), height, width)
    frame_width, frame_height, left, top = _place(source, about)
    box = Box(top, left, height, width)
    if box != box.within(Box(0, 0, frame_height, frame_width)):
        raise _damaged(source)
    return KnownMark(alpha, colour, box, frame_height, frame_width)


def _place(source: Path, about: object) -> tuple[int, int, int, int]:
    """Width and height of the frame, and left and top of the mark in it."""
    try:
        told = json.loads(str(about))
        numbers = [*told["frame"], *told["place"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(source) from error
    if len(numbers) != 4 or not all(type(number) is int for number in numbers):
        raise _damaged(source)
    width, height, left, top = numbers
    return width, height, left, top


def _damaged(source: Path) -> VaderError:
    return VaderError(f"the mark {source} does not say where it lies", hint="save it again")


def _why(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "it may be damaged"


def _scaled(
    shown: Float32[np.ndarray, "h w 4"],
    factors: tuple[float, float],
    start: tuple[float, float],
    box: Box,
) -> Float32[np.ndarray, "h2 w2 4"]:
    """The picture, `factors` as large, from `start` (row, column) on, in a picture of the box's size; clear around."""
    down, across = factors
    if min(factors) < 1:  # what is made smaller must not alias
        sigma = tuple(0.35 * max(1 / factor - 1, 1e-3) for factor in (across, down))
        shown = cv2.GaussianBlur(
            shown, (0, 0), sigmaX=sigma[0], sigmaY=sigma[1], borderType=cv2.BORDER_CONSTANT
        )
    matrix = np.array(
        [
            [across, 0, start[1] + across / 2 - 0.5],
            [0, down, start[0] + down / 2 - 0.5],
        ]
    )
    return cv2.warpAffine(shown, matrix, (box.width, box.height), flags=cv2.INTER_LINEAR)


def _separated(
    shown: Float32[np.ndarray, "h w 4"],
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w 3"]]:
    """Opacity and colour of premultiplied pixels."""
    alpha = np.clip(shown[..., 3], 0, 1)
    return alpha, np.clip(shown[..., :3] / np.maximum(alpha, _LEAST)[..., None], 0, 1)
