"""Marks as files: what was learned of a mark in one video takes it off another.

A file is a PNG with alpha: colours and opacity of the mark's pixels, and where they lie in a frame of which size, as
text in its metadata; or AviUtl's `.lgd`. Any other picture with alpha, such as a designer's, is a mark in a frame of
the picture's size.
"""

import io
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from jaxtyping import Float32
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mlx_vader.boxes import Box
from mlx_vader.errors import UsageError, VaderError, missing
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks.lgd import Logo, make_lgd, parse_lgd
from mlx_vader.untrusted import parse_json
from mlx_vader.writing import write_file

#: What a mark may be written to.
SUFFIXES = (".png", ".lgd")
#: The metadata's name.
_KEY = "vader.mark"
#: Opacities below this cannot be stored in 8 bits, and are none.
_LEAST = 0.5 / 255
#: Sides of frames.
_LARGEST = 1 << 16
_HINT = "marks are written by `vader-mlx mask --save-mark`; or take a PNG with a clear background"


@dataclass(frozen=True, eq=False)
class KnownMark:
    """A mark at `box` of a frame. `alpha` is (h, w), `colour` RGB (h, w, 3), both in [0, 1].

    `frame`: height and width of the frame; None where nobody noted them. `name`: for people. `is_placed`: whether
    size and place were noted where the mark was seen; those of a designer's picture say nothing.
    """

    name: str
    alpha: Float32[np.ndarray, "h w"]
    colour: Float32[np.ndarray, "h w 3"]
    box: Box
    frame: tuple[int, int] | None
    is_placed: bool = True

    def scale_in(self, height: int, width: int) -> tuple[float, float]:
        """How many times as high and as wide, and as far from the top and left, it is in frames of another size."""
        return (height / self.frame[0], width / self.frame[1]) if self.frame else (1.0, 1.0)


@dataclass(frozen=True)
class _Told:
    """The metadata: width and height of the frame, left and top of the mark in it."""

    frame: tuple[Annotated[int, Ge(1), Le(_LARGEST)], Annotated[int, Ge(1), Le(_LARGEST)]]
    place: tuple[Annotated[int, Ge(0)], Annotated[int, Ge(0)]]


def save_mark(path: str | os.PathLike[str], mark: KnownMark) -> None:
    """Writes a mark as PNG or `.lgd`. The file appears when it is complete. Raises UsageError for another suffix."""
    target = Path(path)
    check_mark_target(target)
    target_content = _lgd(target, mark) if target.suffix.lower() == ".lgd" else _png(mark)
    write_file(target, target_content)


def check_mark_target(target: Path) -> None:
    """Raises UsageError for a name that no mark is written to."""
    if target.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{target.name}: a mark is a .png or a .lgd", hint=f"write it to {target.stem}.png")


def load_marks(path: str | os.PathLike[str]) -> list[KnownMark]:
    """The mark in a PNG, those in a `.lgd`, or those in all such files of a folder.

    Raises VaderError for what is no mark, is damaged, or shows nothing.
    """
    source = Path(path)
    if not source.exists():
        raise missing(source)
    if source.is_dir():
        files = sorted(file for file in source.iterdir() if file.suffix.lower() in SUFFIXES)
        if not files:
            raise VaderError(f"{source} holds no mark", hint=_HINT)
        return [mark for file in files for mark in load_marks(file)]
    found = _read_lgd(source) if source.suffix.lower() == ".lgd" else [_read_picture(source)]
    marks = [trimmed for mark in found if (trimmed := _trimmed(mark))]
    if not marks:
        raise VaderError(f"the mark {source} is wholly clear", hint="draw the mark on a clear background")
    return marks


def _png(mark: KnownMark) -> bytes:
    text = PngInfo()
    if mark.frame:
        about = {"frame": [mark.frame[1], mark.frame[0]], "place": [mark.box.left, mark.box.top]}
        text.add_text(_KEY, json.dumps(about))
    content = io.BytesIO()
    picture = Image.fromarray(to_levels(np.dstack([mark.colour, mark.alpha])))
    picture.save(content, format="PNG", pnginfo=text)
    return content.getvalue()


def _lgd(target: Path, mark: KnownMark) -> bytes:
    try:
        return make_lgd([Logo(mark.name, mark.box, mark.alpha, mark.colour, mark.frame)])
    except ValueError as error:
        raise VaderError(f"{target}: {error}", hint="write it to a .png") from error


def _read_lgd(source: Path) -> list[KnownMark]:
    try:
        logos = parse_lgd(source.read_bytes())
    except (OSError, ValueError) as error:
        raise VaderError(f"{source} is no mark that can be read: {_why(error)}", hint=_HINT) from error
    names = [logo.name or source.name for logo in logos]
    return [
        KnownMark(name, logo.alpha, logo.colour, logo.box, logo.frame)
        for name, logo in zip(names, logos, strict=True)
    ]


def _read_picture(source: Path) -> KnownMark:
    try:
        with Image.open(source) as image:
            about = image.info.get(_KEY)
            if not image.has_transparency_data:
                raise VaderError(
                    f"{source} is no mark: it has no alpha", hint="a PNG with a clear background"
                )
            pixels = to_unit(np.asarray(image.convert("RGBA")))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise VaderError(f"{source} is no mark that can be read: {_why(error)}", hint=_HINT) from error
    alpha, colour = np.ascontiguousarray(pixels[..., 3]), np.ascontiguousarray(pixels[..., :3])
    height, width = alpha.shape
    if about is None:
        return KnownMark(source.name, alpha, colour, Box(0, 0, height, width), (height, width), False)
    what = f"the mark {source} does not say where it lies"
    told = parse_json(str(about), _Told, what, hint="save it again")
    box = Box(told.place[1], told.place[0], height, width)
    if box != box.within(Box(0, 0, told.frame[1], told.frame[0])):
        raise VaderError(f"{what}: not in a frame of {told.frame[0]}x{told.frame[1]}", hint="save it again")
    return KnownMark(source.name, alpha, colour, box, (told.frame[1], told.frame[0]))


def _trimmed(mark: KnownMark) -> KnownMark | None:
    """Without the clear border; None where all is clear."""
    shown = mark.alpha > _LEAST
    if not shown.any():
        return None
    inside = Box.around(shown)
    alpha, colour = mark.alpha[inside.rows, inside.columns], mark.colour[inside.rows, inside.columns]
    box = inside._replace(top=mark.box.top + inside.top, left=mark.box.left + inside.left)
    return replace(mark, alpha=np.ascontiguousarray(alpha), colour=np.ascontiguousarray(colour), box=box)


def _why(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.splitlines()[0][:200] if text else "it may be damaged"
