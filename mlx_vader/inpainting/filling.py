"""Filling as a process: what the masks hide, frame by frame, without a network."""

from collections.abc import Iterable, Iterator
from typing import Any

from mlx_vader.arrays import Mask
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.inpainting.framewise import framewise
from mlx_vader.masks.regions import FillCrop, Regions, filled_holes, replace_inside
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Chunk, Finding, Packed, Patch, SourceFrame, Video


def filled(frame: SourceFrame, mask: Mask, fill: FillCrop, grown: Regions | None) -> list[Patch]:
    """Patches with what the mask hides filled.

    `grown`: the regions of masks that were found, which may miss a mark's rim, so that more is filled around them. What
    somebody drew says where the mark ends: None.
    """
    if grown is None:
        return filled_holes(frame.region, mask > 0, fill)
    return replace_inside(frame, None, grown.of(mask), fill)


class Filling:
    """The fill called `fill` in the holes of `masks`."""

    def __init__(self, masks: MaskSource, fill: str) -> None:
        self._masks, self._name = masks, fill
        self._fill = find_fill(fill).fill
        self._regions = Regions()

    @property
    def finding(self) -> Finding:
        """What the masks' first pass found; all of it is filled."""
        return self._masks.finding.treated("fill")

    def identity(self) -> dict[str, Any]:
        """The fill and the masks."""
        return {"fill": self._name, **self._masks.identity()}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The masks' first pass."""
        return self._masks.analyse(video, kept)

    def chunks(self, frames: Iterable[SourceFrame], carry: Packed) -> Iterator[Chunk]:
        """See `Process`; each frame is filled by itself."""
        return framewise(frames, self._masks, carry, self._patches)

    def _patches(self, frame: SourceFrame, mask: Mask, _number: int) -> list[Patch]:
        return filled(frame, mask, self._fill, None if self.finding.status == "told" else self._regions)
