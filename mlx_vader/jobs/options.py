"""How files are cleaned: one list for the command line, the library and its documentation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_vader.errors import UsageError, choices
from mlx_vader.options import documented, option
from mlx_vader.shipped import DEFAULT, named_purposes

#: After at most so many frames a segment ends. As long as x264's longest distance between keyframes, so that ending
#: one costs next to no bits.
SEGMENT_FRAMES = 240
#: After at most so many seconds of work a segment ends, so that an interruption loses no more than ten.
SEGMENT_SECONDS = 8.0

FIND = ("auto", "static", "network", "none")


@documented
@dataclass(frozen=True)
class CleanOptions:
    """How files are cleaned."""

    #: In Python also a network.
    checkpoint: Any = option(
        "default",
        help=f"{named_purposes()}; or a training run's folder, a .safetensors, a .mlpackage.",
        flags=("-c", "--checkpoint"),
        typed=str,
        unsaid=DEFAULT,
    )
    backend: str = option("auto", help="auto, mlx, torch or coreml; auto is the fastest here.")
    find: str = option(
        "auto",
        help="auto: marks that stand still while the scene moves; static: the same, by a network of its own that looks "
        "at the whole video; network: all that the network takes for marks; none: no marks.",
    )
    mask: Any = option(
        None,
        typed=Path,
        help="Image, video or folder of images, white where the mark is; what is black stays as it is. "
        "To make one, paint over a frame that a player saved.",
    )
    mark: tuple[Path, ...] = option(
        (),
        help="What the mark looks like: a file of `mask --save-mark`, a PNG with a clear background, a .lgd, or a "
        "folder of them: the one that fits. Once for each mark.",
        unsaid="none",
    )
    fill: str = option(
        "auto", help="What fills marks: auto, network, membrane or unblend (subtracts translucent ones)."
    )
    preview: bool = option(False, help="Also write NAME.preview.EXT: before, mask, after.")
    resume: bool = option(False, help="Go on with an interrupted job; in a folder, keep what is done.")
    codec: str = option(
        "auto", help="h264, hevc, av1, vp9, prores, ffv1; auto keeps the source's where the target can."
    )
    crf: int = option(18, help="Quality: 0 (best) to 51 (smallest).")
    strategy: str = option(
        "clip-recurrent", help="clip-recurrent, recurrent, sliding-window or bidirectional."
    )
    clip_length: int = option(16, help="Frames of a clip.")
    overlap: int | None = option(
        None, help="Frames that clips share, where the strategy needs it.", unsaid="4"
    )

    def __post_init__(self) -> None:
        """Raises UsageError for choices that do not exist or exclude each other."""
        if self.find not in FIND:
            raise UsageError(f"--find {self.find} does not exist", hint=choices(self.find, FIND))
        given = {
            "--mask": self.mask is not None,
            "--find": self.find != "auto",
            "--fill": self.fill != "auto",
        }
        if self.mark and (other := next((name for name, is_given in given.items() if is_given), None)):
            raise UsageError(f"{other} has no say where marks are known", hint=f"leave out {other} or --mark")
        if self.mask is not None and self.find != "auto":
            raise UsageError(
                "a mask says where the marks are: nothing is looked for", hint="leave out --find or --mask"
            )
