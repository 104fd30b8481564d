"""Filling as a process: what the masks hide, frame by frame, without a network."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from mlx_vader.arrays import Mask
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.masks.regions import Regions, replace_inside
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Chunk, Edit, Finding, Packed, Patch, SourceFrame, Video

#: Frames after which an interrupted job can go on.
_CHUNK = 8


class Filling:
    """The fill called `fill` in the holes of `masks`."""

    def __init__(self, masks: MaskSource, fill: str) -> None:
        self._masks, self._name = masks, fill
        self._fill = find_fill(fill).fill
        self._regions = Regions()

    @property
    def finding(self) -> Finding:
        """What the masks' first pass found."""
        return self._masks.finding

    def identity(self) -> dict[str, Any]:
        """The fill and the masks."""
        return {"fill": self._name, **self._masks.identity()}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The masks' first pass."""
        return self._masks.analyse(video, kept)

    def changes_nothing(self) -> bool:
        """Whether the first pass found no mark."""
        return self.finding.status in {"nothing", "undecidable"}

    def chunks(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        """See `Process`; each frame is filled by itself."""
        position = int(carry["position"]) if carry else 0
        pairs = zip(frames, self._masks.masks(position), strict=False)
        while chunk := list(islice(pairs, _CHUNK)):
            position += len(chunk)
            edits = [Edit(frame, partial(self._patches, frame, mask), mask) for frame, mask in chunk]
            yield Chunk(edits, partial(_packed, position))

    def _patches(self, frame: SourceFrame, mask: Mask) -> list[Patch]:
        return replace_inside(frame, None, self._regions.of(mask), self._fill)


def _packed(position: int) -> Packed:
    return {"position": np.array(position)}
