"""What all files of one run have in common."""

from dataclasses import dataclass
from typing import Any

from mlx_vader.streaming.strategies import Strategy, describe
from mlx_vader.streaming.user_mask import UserMask

#: At most so many frames are computed twice after an interruption. As long as x264's longest distance between
#: keyframes, so that cutting costs next to no bits.
SEGMENT_FRAMES = 240


@dataclass(frozen=True)
class Options:
    """How files are cleaned. `checkpoint` is the identity of the weights."""

    strategy: Strategy
    checkpoint: str
    codec: str = "auto"
    crf: int = 18
    mask: UserMask | None = None
    preview: bool = False
    resume: bool = False
    segment_frames: int = SEGMENT_FRAMES

    def settings(self) -> dict[str, Any]:
        """All of it that the pixels depend on, for telling whether a job is the same."""
        return {
            "checkpoint": self.checkpoint,
            **describe(self.strategy),
            "codec": self.codec,
            "crf": self.crf,
            "preview": self.preview,
            "segment frames": self.segment_frames,
        }
