"""One frame as a picture with a labelled grid, to read the coordinates of boxes and polygons from."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from mlx_vader.arrays import LevelFrame
from mlx_vader.errors import UsageError
from mlx_vader.jobs.overlay import overlay
from mlx_vader.jobs.plan import PathLike
from mlx_vader.jobs.video_source import VideoSource
from mlx_vader.levels import to_unit
from mlx_vader.masks.shapes import ShapeMasks, parse_shapes
from mlx_vader.overwriting import check_overwriting
from mlx_vader.process import Video
from mlx_vader.video import frame_at, is_image, open_image, probe, write_image
from mlx_vader.video.images import check_image_target
from mlx_vader.video.in_memory import ClipInMemory

#: A picture with its margins, of another size than the frame.
Gridded = UInt8[np.ndarray, "rows columns 3"]

#: Pictures narrower than this are enlarged, by whole numbers, so that labels have room.
_LEAST_WIDTH = 960
#: Pixels between labelled lines: the first of these that gives at most so many of them. Five faint lines go to each.
_STEPS, _MOST_LINES = (10, 20, 50, 100, 200, 500, 1000), 20
#: How much lines lighten or darken what is beneath.
_STRONG, _FAINT = 0.5, 0.16


def write_frame(
    source: PathLike,
    target: PathLike | None,
    frame: str,
    *,
    box: Sequence[str] = (),
    polygon: Sequence[str] = (),
    also_written: Sequence[PathLike | None] = (),
) -> Path:
    """Writes frame `frame`, a number from 0 or seconds as in "2.5s", under a grid; returns where.

    Without a target, `clip.mp4` becomes `clip.frame120.png`. Boxes and polygons are drawn as they are at that frame.
    Raises UsageError for a frame that there is not, and VaderError.
    """
    path = Path(source)
    number = _number(path, frame)
    goal = Path(target) if target is not None else path.with_name(f"{path.stem}.frame{number}.png")
    check_overwriting([path], [goal, *also_written])
    check_image_target(goal)
    video = _video(path)
    if number >= video.frames:
        raise UsageError(
            f"{path} has no frame {frame}", hint=f"it has {video.frames}, 0 to {video.frames - 1}"
        )
    levels = next(video.read(number, number + 1)).levels
    if box or polygon:
        shapes = ShapeMasks(parse_shapes(box, polygon), lambda seconds: frame_at(path, seconds))
        list(shapes.analyse(video, {}))
        levels = overlay(levels, next(shapes.masks(number)))
    title = f"{path.name}, frame {number} of {video.frames}, {video.width}x{video.height}"
    write_image(goal, to_unit(with_grid(levels, title)))
    return goal


def _number(path: Path, frame: str) -> int:
    if re.fullmatch(r"\d+", frame):
        return int(frame)
    if re.fullmatch(r"\d+(\.\d+)?s", frame):
        return frame_at(path, float(frame[:-1]))
    raise UsageError(f"{frame} is no frame", hint="its number from 0, such as 120, or seconds, such as 2.5s")


def _video(path: Path) -> Video:
    if is_image(path):
        return ClipInMemory(np.stack(open_image(path).frames))
    return VideoSource(path, probe(path), fields=False)


def with_grid(levels: LevelFrame, title: str) -> Gridded:
    """The picture under lines at round coordinates, which stand on all four sides; enlarged if it is small."""
    width = levels.shape[1]
    scale = max(1, -(-_LEAST_WIDTH // width))
    step = next((step for step in _STEPS if width / step <= _MOST_LINES), _STEPS[-1])
    lined = levels.repeat(scale, axis=0).repeat(scale, axis=1)
    for distance, strength in ((step // 5, _FAINT), (step, _STRONG)):
        lined[:: distance * scale] = _lined(lined[:: distance * scale], strength)
        lined[:, :: distance * scale] = _lined(lined[:, :: distance * scale], strength)
    return _framed(lined, step, scale, title)


def _lined(levels: LevelFrame, strength: float) -> LevelFrame:
    """Darker where it is bright, brighter where it is dark."""
    away = np.where(levels.mean(axis=-1, keepdims=True) > 127, 0, 255)
    return (levels + strength * (away - levels) + 0.5).astype(np.uint8)


def _framed(levels: LevelFrame, step: int, scale: int, title: str) -> Gridded:
    """With a margin that holds the title and the coordinates of lines."""
    height, width = levels.shape[:2]
    size = max(16, width // 80)
    font = ImageFont.load_default(size)
    side, line = 3 * size, 2 * size
    image = Image.new("RGB", (width + 2 * side, height + 3 * line))
    image.paste(Image.fromarray(levels), (side, 2 * line))
    draw = ImageDraw.Draw(image)
    draw.text((side, line // 2), title, font=font, fill="white", anchor="lm")
    for x in range(0, width, step * scale):
        for y in (2 * line - 3 * size // 4, 2 * line + height + 3 * size // 4):
            draw.text((side + x, y), str(x // scale), font=font, fill="yellow", anchor="mm")
    for y in range(0, height, step * scale):
        for x, anchor in ((side - size // 3, "rm"), (side + width + size // 3, "lm")):
            draw.text((x, 2 * line + y), str(y // scale), font=font, fill="yellow", anchor=anchor)
    return np.asarray(image)
