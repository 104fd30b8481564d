"""Masks that are in memory already."""

from collections.abc import Iterator
from typing import Any

from mlx_vader.arrays import Mask, Masks
from mlx_vader.process import Finding, Packed, Video


class ArrayMasks:
    """One mask for each frame, 1 = artifact and 0 = clean; see `MaskSource`."""

    def __init__(self, masks: Masks) -> None:
        self.finding = Finding("told")
        self._masks = masks

    def identity(self) -> dict[str, Any]:
        """Masks in memory are those of one run."""
        return {"mask": id(self._masks)}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """There is nothing to find out."""
        return iter(())

    def masks(self, start: int) -> Iterator[Mask]:
        """The masks of frame `start` and the following ones."""
        return iter(self._masks[start:])
