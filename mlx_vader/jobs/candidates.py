"""What may be a mark and was left alone, as a numbered picture, so that users can choose."""

from collections.abc import Sequence
from pathlib import Path

from mlx_vader.errors import UsageError
from mlx_vader.jobs.overlay import numbered
from mlx_vader.levels import to_unit
from mlx_vader.process import FoundMark
from mlx_vader.video import open_video, write_image


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
            write_image(target, to_unit(numbered(frame.levels, enumerate(marks, start=1))))
