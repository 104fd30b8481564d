"""How files are cleaned: one list for the command line, the library and its documentation."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlx_vader.errors import UsageError

PathLike = str | Path

#: After at most so many frames a segment ends. As long as x264's longest distance between keyframes, so that ending
#: one costs next to no bits.
SEGMENT_FRAMES = 240
#: After at most so many seconds of work a segment ends, so that an interruption loses no more than ten.
SEGMENT_SECONDS = 8.0

FIND = ("auto", "network", "none")


def _option(default: Any, text: str, *flags: str) -> Any:
    return field(default=default, metadata={"help": text, "flags": flags})


@dataclass(frozen=True)
class CleanOptions:
    """Each field's help is its metadata."""

    checkpoint: Any = _option(
        "default", "A shipped name, a .safetensors or a .mlpackage.", "-c", "--checkpoint"
    )
    backend: str = _option("auto", "auto, mlx, torch or coreml; auto is the fastest here.")
    find: str = _option(
        "auto",
        "auto: marks that stand still, are small and sure; network: all that the network takes for a mark; "
        "none: no marks.",
    )
    mask: PathLike | None = _option(
        None, "Image, video or folder of masks, white = artifact: all outside stays as it is."
    )
    fill: str = _option("auto", "What fills marks: auto, network or membrane.")
    preview: bool = _option(False, "Also write NAME.preview.EXT: before, mask, after.")
    resume: bool = _option(False, "Go on with an interrupted job; in a folder, keep what is done.")
    codec: str = _option(
        "auto", "libx264, libx265, libsvtav1, libvpx-vp9, prores_ks, ffv1; auto fits the target."
    )
    crf: int = _option(18, "Quality: 0 (best) to 51 (smallest).")
    strategy: str = _option("clip-recurrent", "clip-recurrent, recurrent, sliding-window or bidirectional.")
    clip_length: int = _option(16, "Frames of a clip.")
    overlap: int | None = _option(
        None, "Frames that clips share, where the strategy needs it; 4 if not given."
    )

    def __post_init__(self) -> None:
        """Raises UsageError for choices that do not exist or exclude each other."""
        if self.find not in FIND:
            raise UsageError(f"--find {self.find} does not exist", hint=f"choose one of {', '.join(FIND)}")
        if self.mask is not None and self.find != "auto":
            raise UsageError(
                "a mask says where the marks are: nothing is looked for", hint="leave out --find or --mask"
            )
