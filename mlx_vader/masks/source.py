"""Where masks come from: files of the user's, detectors that look at the video, and later prompts and trackers."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from mlx_vader.arrays import Mask
from mlx_vader.process import Finding, Packed, Video


@runtime_checkable
class MaskSource(Protocol):
    """Masks for the frames of one video."""

    @property
    def finding(self) -> Finding:
        """Whether there are marks, and where; known once `analyse` has run to its end."""
        ...

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Looks at the video; see `mlx_vader.process.Process.analyse`. Runs before `masks` is called."""
        ...

    def masks(self, start: int) -> Iterator[Mask]:
        """The masks of frame `start` and all that follow, 0 or 1, of the frames' size.

        The same array again means the same mask as before, so that what is made of it can be kept.
        """
        ...

    def identity(self) -> dict[str, Any]:
        """All that the masks depend on besides the video, JSON-ready."""
        ...


@runtime_checkable
class Choosable(MaskSource, Protocol):
    """A mask source that knows the pixels of each mark that it found, also of those that it leaves."""

    def choose(self, numbers: Sequence[int]) -> None:
        """From now on the masks hold exactly these marks: places, from 0, in `finding.marks`."""
        ...
