"""Text that comes and goes, found by how it does, without any training.

What nothing proves is not touched: letters are taken where they come and go at once while the scene around them does
not, be it that it moves on or that it stays. Signs and lettering of the scene come and go with it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, Int32, UInt8

from mlx_vader.arrays import LevelFrame, Mask
from mlx_vader.masks.sampling import reduced
from mlx_vader.masks.text.drawing import ROOM, Drawn, Place, draw
from mlx_vader.masks.text.found import Found, found_mark, packed, unpacked
from mlx_vader.masks.text.lines import lines_of
from mlx_vader.masks.text.lives import Life, Lives
from mlx_vader.process import Finding, Packed, Video

#: Every so many frames one is looked at.
STEP = 4
#: Larger pictures are made smaller first.
MOST_PIXELS = 640 * 400
#: What was seen is kept after so many samples, and what was drawn after so many lines.
KEEP_EVERY, KEEP_LINES = 100, 8
#: Frames of a line that its drawing is made of.
HELD_FRAMES = 8
#: More text than this share of a picture is a page, not an overlay.
MOST_TEXT = 0.2

#: x, y, width, height of a text, the height of a line of it, whether it is bright; its first frame and that after it.
_Row = Int32[np.ndarray, " 8"]


class TextMarks:
    """A mask source: each text has a mask of its own while it is there."""

    def __init__(self) -> None:
        self.finding = Finding()
        self._size = 1, 1
        self._found: list[Found] = []
        self._shown: frozenset[int] = frozenset()

    def identity(self) -> dict[str, Any]:
        """How often it looks, and how small."""
        return {"mask": f"text {STEP} {MOST_PIXELS}"}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Looks at every fourth frame for lines, then at each line's frames; keeps both."""
        self._size = video.height, video.width
        if "lines" not in kept:
            for kept in self._looked(video, kept):  # noqa: B020 - goes on from what was kept
                yield kept
        lines, drawn = kept["lines"], unpacked(kept)
        for number in range(len(drawn), len(lines)):
            drawn.append(_drawn(video, lines[number]))
            if number + 1 == len(lines) or len(drawn) % KEEP_LINES == 0:
                yield {"lines": lines, **packed(drawn)}
        self._found = [found for found in drawn if found is not None]
        self._shown = frozenset(range(len(self._found)))
        marks = tuple(found.mark for found in self._found)
        self.finding = Finding("found" if marks else "nothing", marks)

    def choose(self, numbers: Sequence[int]) -> None:
        """See `Choosable`."""
        self._shown = frozenset(numbers)

    def masks(self, start: int) -> Iterator[Mask]:
        """What is there in each frame; the same array again as long as the same lines are."""
        last: tuple[int, ...] | None = None
        number, mask = start, np.zeros((*self._size, 1), np.float32)
        while True:
            there = tuple(index for index in sorted(self._shown) if self._found[index].shows(number))
            if there != last:
                mask, last = np.zeros((*self._size, 1), np.float32), there
                for index in there:
                    x, y, width, height = self._found[index].mark.box
                    mask[y : y + height, x : x + width, 0][self._found[index].mask] = 1
            yield mask
            number += 1

    def _looked(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The samples; last the lines, a `_Row` for each."""
        lives = Lives({name: array for name, array in kept.items() if name != "rows"})
        rows = [tuple(int(value) for value in row) for row in kept.get("rows", ())]
        start = lives.samples * STEP
        for number, frame in enumerate(video.read(start, video.frames), start=start):
            if number % STEP:
                continue
            # Of a damaged frame nothing is believed: what was there before is taken to be there still.
            luma = lives.latest if frame.damaged and lives.samples else _small_luma(frame.levels)
            frame.forget()
            rows += [row for life in lives.see(luma) for row in self._rows(life)]
            if lives.samples % KEEP_EVERY == 0:
                yield {**lives.packed(), "rows": _table(rows)}
        samples = lives.samples
        for life in lives.finish():
            if life.first > 1 or life.end < samples - 1:
                rows += self._rows(life)
        yield {"lines": _table(rows)}

    def _rows(self, life: Life) -> list[tuple[int, ...]]:
        height, width = life.picture.shape
        lines = lines_of(life)
        if sum(line.box[2] * line.box[3] for line in lines) > MOST_TEXT * height * width:
            return []
        down, across = self._size[0] / height, self._size[1] / width
        scales = across, down, across, down, down
        return [
            (
                *(round(side * scale) for side, scale in zip((*line.box, line.height), scales, strict=True)),
                int(line.bright),
                life.first * STEP,
                life.end * STEP,
            )
            for line in lines
        ]


def _table(rows: list[tuple[int, ...]]) -> Int32[np.ndarray, "lines 8"]:
    return np.array(rows, np.int32).reshape(-1, 8)


def _drawn(video: Video, row: _Row) -> Found | None:
    x, y, width, height, line, bright, first, end = (int(value) for value in row)
    room = max(6, round(ROOM * line))
    # The crop may go beyond the frame: its edge is repeated there.
    box = x - room, y - room, width + 2 * room, height + 2 * room
    inside = min(first + STEP, end - STEP - 1), max(end - 2 * STEP, first + STEP)
    held = set(np.linspace(*inside, HELD_FRAMES).round().astype(int).tolist())
    start, stop = max(0, first - 2 * STEP), min(video.frames, end + 2 * STEP)
    crops: dict[int, LevelFrame] = {}
    for number, frame in enumerate(video.read(start, stop), start=start):
        if number <= inside[0] or number >= inside[1] or number in held:
            crops[number] = _crop(frame.levels, box)
            frame.forget()
    drawn = draw(crops, inside, Place(room, line, video.height), bright=bool(bright))
    return None if drawn is None else _placed(drawn, box, (video.height, video.width))


def _placed(drawn: Drawn, box: tuple[int, int, int, int], size: tuple[int, int]) -> Found | None:
    """The part of a drawn line that lies in the frame."""
    rows, columns = np.nonzero(drawn.mask)
    rows, columns = rows + box[1], columns + box[0]
    within = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    rows, columns = rows[within], columns[within]
    if not len(rows):
        return None
    top, left = int(rows.min()), int(columns.min())
    mask = np.zeros((int(rows.max()) + 1 - top, int(columns.max()) + 1 - left), bool)
    mask[rows - top, columns - left] = True
    place = left, top, mask.shape[1], mask.shape[0]
    return Found(found_mark(place, drawn.first, drawn.last, drawn.confidence), mask)


def _crop(levels: LevelFrame, box: tuple[int, int, int, int]) -> UInt8[np.ndarray, "h2 w2 3"]:
    x, y, width, height = box
    rows = np.arange(y, y + height).clip(0, levels.shape[0] - 1)
    columns = np.arange(x, x + width).clip(0, levels.shape[1] - 1)
    return levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1][rows - rows[0]][
        :, columns - columns[0]
    ]


def _small_luma(levels: LevelFrame) -> Float32[np.ndarray, "h2 w2"]:
    return cv2.cvtColor(reduced(levels, MOST_PIXELS), cv2.COLOR_RGB2GRAY).astype(np.float32)
