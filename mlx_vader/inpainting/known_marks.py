"""Known marks as a process: marks from files are found in a video and taken off it, also where nothing moves.

A mark is put in its place to parts of a pixel, and nothing is touched unless the frames have fewer edges without it.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from mlx_vader.arrays import Mask
from mlx_vader.inpainting.framewise import framewise
from mlx_vader.inpainting.known import Placed, look, placed_of, take
from mlx_vader.masks.mark_files import KnownMark
from mlx_vader.process import (
    Chunk,
    Finding,
    FoundMark,
    Packed,
    Patch,
    SourceFrame,
    Video,
    kept_under,
    packed_of,
)


class KnownMarks:
    """Takes off a video, of each of several sets of marks, the one that it shows best."""

    def __init__(self, sets: Sequence[Sequence[KnownMark]], identities: Sequence[str]) -> None:
        """`identities`: texts that are the same for the same marks."""
        self._sets, self._identities = sets, tuple(identities)
        self._found = Finding()
        #: By parity: of whole frames, or of each of the two fields.
        self._placed: list[list[Placed]] = []
        self._shape = (0, 0)

    @property
    def finding(self) -> Finding:
        """Which marks the video shows, and where; "nothing" where it shows none."""
        return self._found

    def identity(self) -> dict[str, Any]:
        """The marks."""
        return {"known marks": list(self._identities)}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Looks for the marks at frames all along the video."""
        everything = dict(kept)
        self._shape = video.height, video.width
        self._placed = []
        for parity in range(2 if video.fields else 1):
            placed = []
            for number, marks in enumerate(self._sets):
                key = f"{parity}.{number}"
                everything = yield from kept_under(key, everything, partial(look, video, marks, parity))
                placed.append(placed_of(packed_of(key, everything)))
            found = [
                (marks[each.which].name, each)
                for marks, each in zip(self._sets, placed, strict=True)
                if each is not None
            ]
            if parity == 0:
                self._found = self._told(found, fields=video.fields)
            self._placed.append([each for _, each in found])

    def chunks(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        """See `Process`; each frame is treated by itself."""
        return framewise(frames, self, carry, self._patches)

    def masks(self, start: int) -> Iterator[Mask]:
        """Where the marks are, for previews. The same array again means the same mask as before."""
        known: dict[tuple[int, tuple[bool, ...]], Mask] = {}
        for number in count(start):
            parity = number % len(self._placed)
            there = tuple(each.gains.at(number) != 0 for each in self._placed[parity])
            if (parity, there) not in known:
                known[parity, there] = self._mask(parity, there)
            yield known[parity, there]

    def _mask(self, parity: int, there: Sequence[bool]) -> Mask:
        mask = np.zeros((*self._shape, 1), np.float32)
        for each, is_there in zip(self._placed[parity], there, strict=True):
            if is_there:
                mask[each.box.rows, each.box.columns, 0][each.mark.region] = 1
        return mask

    def _patches(self, frame: SourceFrame, mask: Mask, number: int) -> list[Patch]:
        patches: list[Patch] = []
        picture = frame.rgb
        for each in self._placed[number % len(self._placed)]:
            box = each.box
            crop = picture[box.rows, box.columns]
            gain = each.gain_in(crop, number)
            if gain == 0:
                continue
            mark = each.with_gain(gain)
            new = crop.copy()
            new[mark.region] = take(crop, mark)
            patches.append(Patch(box.top, box.left, new, mark.region))
            if len(self._sets) > 1:  # the next may lie over this one
                picture = picture.copy()
                picture[box.rows, box.columns] = new
        return patches

    def _told(self, found: Sequence[tuple[str, Placed]], *, fields: bool) -> Finding:
        names = [", ".join(dict.fromkeys(mark.name for mark in marks)) for marks in self._sets]
        if not found:
            return Finding("nothing", (), f"the video does not show the mark {'; '.join(names)}")
        lines = 2 if fields else 1
        marks = tuple(_found_mark(each, lines) for _, each in found)
        return Finding("found", marks, "the mark is " + "; ".join(name for name, _ in found))


def _found_mark(placed: Placed, lines: int) -> FoundMark:
    (part,), box = placed.mark.parts, placed.box
    top, left, height, width = part.box
    first, last = placed.gains.span
    return FoundMark(
        (box.left + left, box.top + top, width, height),
        confidence=placed.confidence,
        treated="fill" if part.opaque else "unblend",
        alpha=round(part.alpha, 3),
        colour=part.colour,
        first=first // lines,
        last=None if last is None else last // lines,
    )
