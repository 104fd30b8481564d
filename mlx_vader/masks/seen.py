"""What a process sees while it works, such as a network that restores frames, as masks."""

from collections.abc import Iterator
from typing import Any

from mlx_vader.arrays import Mask
from mlx_vader.errors import VaderError
from mlx_vader.masks.postprocess import hysteresis
from mlx_vader.process import Finding, Packed, Process, Video, edited_chunks

#: Above the first a pixel may be artifact, above the second it surely is.
LOW, HIGH = 0.3, 0.5


class SeenMasks:
    """A mask source: the masks that come with the edits of a process, made 0 or 1."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._video: Video | None = None

    @property
    def finding(self) -> Finding:
        """The process's."""
        return self._process.finding

    def identity(self) -> dict[str, Any]:
        """The process's."""
        return {"mask": self._process.identity()}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The process's first pass."""
        self._video = video
        return self._process.analyse(video, kept)

    def masks(self, start: int) -> Iterator[Mask]:
        """See `MaskSource`. Raises VaderError where the process sees nothing."""
        if self._video is None:
            raise RuntimeError("analyse runs first")
        frames = self._video.read(start, self._video.frames)
        for chunk in edited_chunks(self._process, frames, {}):
            for edit in chunk.edits:
                if edit.mask is None:
                    raise VaderError("this network does not say where marks are", hint="use --find static")
                yield hysteresis(edit.mask, LOW, HIGH)
