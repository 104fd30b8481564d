"""Several sources of masks as one: what any of them marks is marked."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mlx_vader.arrays import Mask
from mlx_vader.masks.source import Choosable, MaskSource
from mlx_vader.process import Finding, Packed, Video, analyse_in_turn

#: What the whole finding is: the first of these that a source says.
_BY_WEIGHT = ("told", "found", "undecidable", "nothing", "unasked")


class JoinedMasks:
    """A mask source made of others, which look at the video one after the other."""

    def __init__(self, sources: Sequence[MaskSource]) -> None:
        self._sources = tuple(sources)

    @property
    def finding(self) -> Finding:
        """All marks; "told" or "found" if one of the sources says so, else "undecidable" if one does."""
        findings = [source.finding for source in self._sources]
        status = min((finding.status for finding in findings), key=_BY_WEIGHT.index)
        reasons = dict.fromkeys(finding.reason for finding in findings if finding.status == status)
        marks = tuple(mark for finding in findings for mark in finding.marks)
        return Finding(status, marks, "; ".join(filter(None, reasons)))

    def identity(self) -> dict[str, Any]:
        """Those of all sources."""
        return {"mask": [source.identity() for source in self._sources]}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Each source's first pass; what each keeps is kept under its number."""
        return analyse_in_turn(self._sources, video, kept)

    def choose(self, numbers: Sequence[int]) -> None:
        """See `Choosable`, which all of the sources have to be."""
        first = 0
        for source in self._sources:
            assert isinstance(source, Choosable)
            count = len(source.finding.marks)
            source.choose([number - first for number in numbers if first <= number < first + count])
            first += count

    def masks(self, start: int) -> Iterator[Mask]:
        """What any source marks. The same array again as long as all sources give theirs again."""
        last: tuple[Mask, ...] = ()
        joined: Mask | None = None
        for masks in zip(*(source.masks(start) for source in self._sources), strict=False):
            if joined is None or any(mask is not before for mask, before in zip(masks, last, strict=True)):
                joined, last = np.maximum.reduce(masks), masks
            yield joined
