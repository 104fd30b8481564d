"""A clip in memory as processes see a video: still images, and clips of arrays in evaluation and notebooks."""

from collections.abc import Iterator, Sequence

import numpy as np

from mlx_vader.arrays import Clip, Frame, LevelFrame
from mlx_vader.levels import to_levels
from mlx_vader.process import Edit, Patch, Process


class ArrayFrame:
    """A frame in memory."""

    def __init__(self, rgb: Frame, index: int) -> None:
        self.rgb, self.index = rgb, index
        self.height, self.width = rgb.shape[:2]

    @property
    def levels(self) -> LevelFrame:
        """Colours from 0 to 255."""
        return to_levels(self.rgb)

    def edited(self, patches: Sequence[Patch]) -> "ArrayFrame":
        """With the patches' pixels; the rest bit for bit as it was."""
        rgb = self.rgb.copy() if patches else self.rgb
        for patch in patches:
            height, width = patch.rgb.shape[:2]
            part = rgb[patch.top : patch.top + height, patch.left : patch.left + width]
            touched = True if patch.touched is None else patch.touched[..., None]
            np.copyto(part, patch.rgb, where=touched)
        return ArrayFrame(rgb, self.index)


class ArrayVideo:
    """A clip in memory."""

    fields, top_first = False, True

    def __init__(self, clip: Clip) -> None:
        self.frames, self.height, self.width = clip.shape[:3]
        self._clip = clip

    def read(self, start: int, stop: int | None = None) -> Iterator[ArrayFrame]:
        """Frames `start` to `stop`, to the end where it is None."""
        for index in range(start, self.frames if stop is None else min(stop, self.frames)):
            yield ArrayFrame(self._clip[index], index)

    def edits(self, process: Process) -> Iterator[Edit]:
        """The whole clip through a process: first pass, then each frame with its edits."""
        for _ in process.analyse(self, {}):
            pass
        for chunk in process.chunks(self.read(0), {}):
            yield from chunk.edits
