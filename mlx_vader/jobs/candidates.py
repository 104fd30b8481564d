"""What may be a mark and was left alone, as a numbered picture, so that users can choose."""

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import UInt8
from numpy import ndarray

from mlx_vader.arrays import LevelFrame
from mlx_vader.errors import UsageError
from mlx_vader.levels import to_unit
from mlx_vader.process import FoundMark
from mlx_vader.video import open_video, write_image

#: Colours of marks that are taken, and of those that are left.
TAKEN, LEFT = (60, 220, 90), (255, 210, 40)


def parse_numbers(text: str) -> tuple[int, ...]:
    """The numbers in "1,3", each once. Raises UsageError for another text."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(
            f"--marks {text} is no list of numbers",
            hint="the numbers of marks as clean lists them: --marks 1,3",
        )
    return tuple(dict.fromkeys(int(part) for part in parts))


def shown_at(marks: Sequence[FoundMark], frames: int) -> int:
    """The frame that shows most of the marks that were left; of those the one nearest to the middle."""
    left = [mark for mark in marks if mark.treated == "left"]
    last = max(frames - 1, 0)

    def shows(number: int) -> int:
        return sum(mark.first <= number <= (last if mark.last is None else mark.last) for mark in left)

    places = sorted({last // 2, *(mark.first for mark in left)}, key=lambda place: abs(place - last // 2))
    return max(places, key=shows)


def write_candidates(source: Path, target: Path, marks: Sequence[FoundMark], frames: int) -> None:
    """Draws the marks of a video, numbered from 1, over one of its frames."""
    number = shown_at(marks, frames)
    with open_video(source, number, number + 1) as video:
        for frame in video:
            write_image(target, to_unit(drawn(frame.levels, marks)))


def drawn(picture: LevelFrame, marks: Sequence[FoundMark]) -> UInt8[ndarray, "h w 3"]:
    """A picture with a numbered box around each mark: green where it was taken, yellow where it was left."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    size = max(12, canvas.height // 28)
    font = ImageFont.load_default(size)
    for number, mark in enumerate(marks, start=1):
        colour = LEFT if mark.treated == "left" else TAKEN
        x, y, width, height = mark.box
        line = max(1, size // 10)
        box = x - line, y - line, x + width + line - 1, y + height + line - 1
        draw.rectangle(box, outline=colour, width=line)
        label = draw.textbbox((0, 0), str(number), font=font)
        wide, high = int(label[2]) + size // 2, size + size // 4
        # Above the box; inside it where there is no room.
        top = y - high - line if y >= high + line else y
        left = min(max(x - line, 0), max(canvas.width - wide, 0))
        draw.rectangle((left, top, left + wide, top + high), fill=colour)
        draw.text((left + wide / 2, top + high / 2), str(number), font=font, fill="black", anchor="mm")
    return np.asarray(canvas)
