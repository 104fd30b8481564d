"""How masks are made: one list for the command line, the library and its documentation."""

from dataclasses import dataclass
from typing import Any

from mlx_vader.errors import UsageError
from mlx_vader.jobs.options import CleanOptions
from mlx_vader.options import as_in, documented, option

#: So many frames before and after one may be smoothed over: all of them are in memory at once.
MOST_SMOOTHED = 15


@documented
@dataclass(frozen=True)
class MaskOptions:
    """How masks are made."""

    find: str | None = as_in(CleanOptions, "find", None)
    marks: str | None = as_in(CleanOptions, "marks")
    mask: Any = as_in(CleanOptions, "mask")
    box: tuple[str, ...] = as_in(CleanOptions, "box")
    polygon: tuple[str, ...] = as_in(CleanOptions, "polygon")
    click: tuple[str, ...] = option(
        (),
        help="The object at x,y, by SAM 2: 300,80, and 300,80+340,90-280,60@120 with more points on and beside it.",
        unsaid="none",
    )
    prompt: tuple[str, ...] = option(
        (), help="What these words mean, by GroundingDINO and SAM 2: 'the logo'.", unsaid="none"
    )
    grow: float = as_in(CleanOptions, "grow")
    holes: int = option(0, help="Holes of at most so many pixels are marked too.", least=0)
    smooth: int = option(
        0, help="Smooth over time, by so many frames before and after.", least=0, most=MOST_SMOOTHED
    )
    feather: float = option(
        0.0,
        help="Blur edges by so many pixels, for other programs: clean takes what is brighter than half.",
        least=0,
    )
    preview: bool = option(False, help="Also write NAME.preview.mp4 or .png: the mask over the picture.")
    checkpoint: Any = as_in(CleanOptions, "checkpoint")
    backend: str = as_in(CleanOptions, "backend")
    segmenter: str = option(
        "facebook/sam2.1-hiera-small",
        help="SAM 2 for --click and --prompt: a folder, or a name in the hub's cache.",
        unsaid="sam2.1-hiera-small",
    )
    detector: str = option(
        "IDEA-Research/grounding-dino-tiny",
        help="GroundingDINO for --prompt: a folder, or a name in the hub's cache.",
        unsaid="grounding-dino-tiny",
    )

    def __post_init__(self) -> None:
        """Raises UsageError for choices that do not exist or exclude each other."""
        if self.told and self.find not in {None, "auto"}:
            raise UsageError(
                "it is said where the marks are: nothing is looked for",
                hint="leave out --find, or what says where they are",
            )
        if self.cleaning().find == "none":
            raise UsageError("nothing is to be masked", hint="give --box or --polygon, or leave out --find")

    @property
    def told(self) -> bool:
        """Whether it is said where the marks are."""
        return self.mask is not None or bool(self.box or self.polygon or self.prompted)

    @property
    def prompted(self) -> bool:
        """Whether objects are pointed at."""
        return bool(self.click or self.prompt)

    def cleaning(self) -> CleanOptions:
        """The options of `clean` by which marks are looked for and would be treated."""
        places: dict[str, Any] = {"mask": self.mask, "box": self.box, "polygon": self.polygon}
        find = "auto" if any(places.values()) else self.find or "static"
        return CleanOptions(
            checkpoint=self.checkpoint,
            backend=self.backend,
            find=find,
            marks=self.marks,
            fill="unblend",
            **places,
        )
