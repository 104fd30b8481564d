"""Two processes as one: the second sees what the first has made of the frames."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from mlx_vader.process import (
    Chunk,
    Edit,
    Finding,
    Packed,
    Patch,
    Process,
    SourceFrame,
    Video,
    analyse_in_turn,
    edited_chunks,
    packed_as,
    packed_of,
)


class Chained:
    """`first`, and then `second` on the frames that it edited.

    Both look at the video as it is. Each frame's edit holds the patches of both, so that it is composited once, and
    samples that neither touches stay as they were decoded, bit for bit.
    """

    def __init__(self, first: Process, second: Process) -> None:
        self._first, self._second = first, second

    @property
    def finding(self) -> Finding:
        """What the first found, with what the second does to whole pictures."""
        found = self._first.finding
        joined = replace(found, restored=self._second.finding.restored)
        # A first that changes pictures without having looked is not one that found nothing.
        return found if joined.changes_nothing and not found.changes_nothing else joined

    def identity(self) -> dict[str, Any]:
        """Those of both."""
        return {**self._first.identity(), "then": self._second.identity()}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Both first passes, one after the other."""
        return analyse_in_turn((self._first, self._second), video, kept)

    def chunks(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        """See `Process`. A chunk ends where chunks of both end."""
        if self._second.finding.changes_nothing:
            return edited_chunks(self._first, frames, carry)
        if self._first.finding.changes_nothing:
            return edited_chunks(self._second, frames, carry)
        return self._both(frames, carry)

    def _both(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        between = _Between(self._first.chunks(frames, packed_of(0, carry)))
        edits: list[Edit] = []
        for chunk in self._second.chunks(between.frames(), packed_of(1, carry)):
            edits += map(between.joined, chunk.edits)
            pack = between.pack()
            if pack is not None:
                yield Chunk(edits, partial(_packed, pack, chunk.carry))
                edits = []
            del chunk  # its frames may be large


class _Between:
    """The frames on their way from the first process to the second, and the first one's part of their edits."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        #: Edits of frames that the second has been given and not given back.
        self._waiting: deque[Edit] = deque()
        #: Where chunks of the first end, counted in frames, with what it needs to go on from there.
        self._ends: deque[tuple[int, Callable[[], Packed]]] = deque()
        self._given = self._joined = 0

    def frames(self) -> Iterator[SourceFrame]:
        """The frames as the first leaves them."""
        for chunk in self._chunks:
            self._ends.append((self._given + len(chunk.edits), chunk.carry))
            for edit in chunk.edits:
                patches = edit.patches()
                self._waiting.append(edit._replace(patches=partial(_same, patches)))
                self._given += 1
                edited = edit.frame.edited(patches)
                if edited is not edit.frame:
                    edit.frame.forget()
                yield edited
            del chunk

    def joined(self, second: Edit) -> Edit:
        """The edit of the frame that was given first among those that wait, with that of the second process."""
        first = self._waiting.popleft()
        self._joined += 1
        mask = second.mask if first.mask is None else first.mask
        return Edit(
            first.frame, partial(_merged, first.patches, second.patches), mask, first.finite and second.finite
        )

    def pack(self) -> Callable[[], Packed] | None:
        """What the first needs to go on after the last frame that was given back; None within a chunk of its."""
        while self._ends and self._ends[0][0] < self._joined:
            self._ends.popleft()
        at, pack = self._ends[0]
        return pack if at == self._joined else None


def _same(patches: Sequence[Patch]) -> Sequence[Patch]:
    return patches


def _merged(first: Callable[[], Sequence[Patch]], second: Callable[[], Sequence[Patch]]) -> Sequence[Patch]:
    """Of two patches on one pixel the later counts: the second process has seen what the first made of it."""
    return [*first(), *second()]


def _packed(first: Callable[[], Packed], second: Callable[[], Packed]) -> Packed:
    return packed_as(0, first()) | packed_as(1, second())
