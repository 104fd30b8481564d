"""The marks of a source that a user chose, by their numbers in the list of what was found."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from mlx_vader.arrays import Mask
from mlx_vader.errors import UsageError
from mlx_vader.masks.source import Choosable
from mlx_vader.process import Finding, Packed, Video


class ChosenMarks:
    """A mask source: what `source` finds, and of that the marks with these numbers, counted from 1.

    All others are left. Raises UsageError, once the video has been looked at, for a
    number that no mark has.
    """

    def __init__(self, source: Choosable, numbers: Sequence[int]) -> None:
        self._source, self._numbers = source, tuple(sorted(set(numbers)))

    @property
    def finding(self) -> Finding:
        """The source's, with what was chosen in place of what it believes."""
        found = self._source.finding
        marks = tuple(
            replace(mark, treated="taken" if number in self._numbers else "left")
            for number, mark in enumerate(found.marks, start=1)
        )
        return Finding("found" if marks else found.status, marks, "" if marks else found.reason)

    def identity(self) -> dict[str, Any]:
        """The source's, and the numbers."""
        return {**self._source.identity(), "marks": list(self._numbers)}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The source's first pass; then the choice."""
        yield from self._source.analyse(video, kept)
        count = len(self._source.finding.marks)
        if missing := [number for number in self._numbers if number > count]:
            raise UsageError(
                f"there is no mark {missing[0]}: {count or 'none'} {'was' if count < 2 else 'were'} found",
                hint="run clean without --marks: it lists them" if count else "show the mark with --mask",
            )
        self._source.choose([number - 1 for number in self._numbers])

    def masks(self, start: int) -> Iterator[Mask]:
        """Those of the chosen marks."""
        return self._source.masks(start)
