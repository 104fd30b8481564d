"""How files are cleaned: one list for the command line, the library and its documentation."""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from mlx_vader.errors import UsageError, choices
from mlx_vader.options import documented, option
from mlx_vader.shipped import DEFAULT, named_purposes

#: After at most so many frames a segment ends. As long as x264's longest distance between keyframes, so that ending
#: one costs next to no bits.
SEGMENT_FRAMES = 240
#: After at most so many seconds of work a segment ends, so that an interruption loses no more than ten.
SEGMENT_SECONDS = 8.0

#: What `restore` may be besides a network.
RESTORE = ("auto", "none")
FIND = ("auto", "static", "all", "network", "none")


Options = TypeVar("Options")


def made(kind: type[Options], given: dict[str, Any]) -> Options:
    """The options that were given by name; None is what was not said. Raises UsageError for a name that there is not.

    Where several are taken, one alone may stand for itself.
    """
    known = {option.name: option.default for option in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(given) - set(known)):
        raise UsageError(f"there is no option {unknown[0]!r}", hint=f"there are {', '.join(known)}")
    said = {name: value for name, value in given.items() if value is not None}
    for name in said:
        if isinstance(known[name], tuple):
            alone = isinstance(said[name], str | os.PathLike)
            several = (said[name],) if alone else said[name]
            said[name] = tuple(map(get_args(get_type_hints(kind)[name])[0], several))
    return kind(**said)


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
        help="static: marks that stand still while the scene moves; all: text that comes and goes and marks that move, "
        "too; network: all that the network takes for marks; none: no marks; auto: as static, and as none with weights "
        "that know no marks.",
    )
    marks: str | None = option(
        None,
        help="Numbers of marks in the list that clean printed, such as 1,3: these are removed, and no others.",
    )
    mask: Any = option(
        None,
        typed=Path,
        help="Image, video or folder of images, white where the mark is; what is black stays as it is. "
        "To make one, paint over a frame that a player saved.",
    )
    box: tuple[str, ...] = option(
        (),
        help="What lies in this box: x,y,width,height in pixels or percent; @ and a frame, or seconds as in @2.5s, "
        "makes it a keyframe, @60-90 a span. Several are all marked.",
        unsaid="none",
    )
    polygon: tuple[str, ...] = option(
        (), help="What lies in this polygon: x1,y1,x2,y2,x3,y3 and so on; else as --box.", unsaid="none"
    )
    grow: float = option(0.0, help="Pixels by which masks grow, of whatever kind they are.", least=0)
    mark: tuple[Path, ...] = option(
        (),
        help="What the mark looks like: a file of `mask --save-mark`, a PNG with a clear background, a .lgd, or a "
        "folder of them: the one that fits. Once for each mark.",
        unsaid="none",
    )
    fill: str = option(
        "auto",
        help="What replaces marks: auto (subtracts translucent ones, fetches the rest from other frames or fills it: "
        "what proves best beside each), mixed, network, membrane, plain, telea, ns or unblend.",
    )
    #: In Python also a network.
    restore: Any = option(
        "none",
        typed=str,
        help="What restores the whole picture once the marks are gone. auto: the network degradations, as far as noise "
        "and coding of the file call for it; a network as for -c: that one, fully; none: nothing.",
    )
    preview: bool = option(False, help="Also write NAME.preview.EXT: before, mask, after.")
    resume: bool = option(False, help="Go on with an interrupted job; in a folder, keep what is done.")
    codec: str = option(
        "auto", help="h264, hevc, av1, vp9, prores, ffv1; auto keeps the source's where the target can."
    )
    crf: int = option(18, help="Quality: 0 (best) to 51 (smallest).")
    smart: bool = option(
        False,
        help="Encode only around marks, and copy all other pictures as they are coded: H.264 and HEVC.",
    )
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
        given = {"--find": self.find != "auto", "--fill": self.fill != "auto", "--mask": self.told}
        if self.mark and (other := next((name for name, is_given in given.items() if is_given), None)):
            raise UsageError(f"{other} has no say where marks are known", hint=f"leave out {other} or --mark")
        if self.marks is not None and not self.looks_over_time:
            raise UsageError(
                "--marks chooses among the marks that are found over time",
                hint="leave out --mask, --box, --polygon, --find network and --find none",
            )
        if self.told and self.find != "auto":
            raise UsageError(
                "a mask says where the marks are: nothing is looked for",
                hint="leave out --find, or --mask, --box and --polygon",
            )

    @property
    def told(self) -> bool:
        """Whether it is said where the marks are."""
        return self.mask is not None or bool(self.box) or bool(self.polygon)

    @property
    def looks_over_time(self) -> bool:
        """Whether marks are looked for in the whole video, before any frame is changed."""
        return not (self.told or self.mark) and self.find not in {"network", "none"}
