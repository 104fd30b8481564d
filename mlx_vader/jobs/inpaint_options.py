"""How holes are inpainted: one list for the command line, the library and its documentation."""

from dataclasses import dataclass
from typing import Any

from mlx_vader.errors import UsageError, choices
from mlx_vader.inpainting.propagation import REACH
from mlx_vader.jobs.mask_options import MaskOptions
from mlx_vader.jobs.options import CleanOptions
from mlx_vader.options import as_in, documented, option

#: Fills that need nothing but the frame.
FILLS_ALONE = ("membrane", "plain", "telea", "ns")
FILLS = ("auto", *FILLS_ALONE)
METHODS = ("auto", "propagate", "fill", "network")


@documented
@dataclass(frozen=True)
class InpaintOptions:
    """What is taken out, and what takes its place."""

    mask: Any = as_in(CleanOptions, "mask")
    box: tuple[str, ...] = as_in(CleanOptions, "box")
    polygon: tuple[str, ...] = as_in(CleanOptions, "polygon")
    click: tuple[str, ...] = as_in(MaskOptions, "click")
    prompt: tuple[str, ...] = as_in(MaskOptions, "prompt")
    grow: float = as_in(CleanOptions, "grow", 2.0)
    method: str = option(
        "auto",
        help="propagate: from frames in which it shows, what never shows by --fill; fill: each frame from its own "
        "surroundings; network: each as --checkpoint paints it; auto: propagate.",
    )
    fill: str = option(
        "auto",
        help="What fills the rest: membrane, plain, telea, ns, or auto: what does best beside the hole.",
    )
    window: int = option(REACH, help="Frames before and after that are looked at.", least=1, most=240)
    preview: bool = as_in(CleanOptions, "preview")
    resume: bool = as_in(CleanOptions, "resume")
    smart: bool = as_in(CleanOptions, "smart")
    codec: str = as_in(CleanOptions, "codec")
    crf: int = as_in(CleanOptions, "crf")
    checkpoint: Any = as_in(CleanOptions, "checkpoint")
    backend: str = as_in(CleanOptions, "backend")
    segmenter: str = as_in(MaskOptions, "segmenter")
    detector: str = as_in(MaskOptions, "detector")

    def __post_init__(self) -> None:
        """Raises UsageError for choices that do not exist, and where nothing is to be taken out."""
        if self.method not in METHODS:
            raise UsageError(f"--method {self.method} does not exist", hint=choices(self.method, METHODS))
        if self.fill not in FILLS:
            raise UsageError(f"--fill {self.fill} does not exist", hint=choices(self.fill, FILLS))
        if not self.masking().told:
            raise UsageError(
                "nothing is to be taken out",
                hint="show it with --mask, --box, --polygon, --click or --prompt; clean finds marks by itself",
            )

    @property
    def fills(self) -> tuple[str, ...]:
        """The fills that may be taken."""
        return FILLS_ALONE if self.fill == "auto" else (self.fill,)

    def masking(self) -> MaskOptions:
        """The options of `mask` that say where holes are."""
        shared = ("mask", "box", "polygon", "click", "prompt", "grow", "checkpoint", "backend", "segmenter")
        return MaskOptions(**{name: getattr(self, name) for name in (*shared, "detector")})

    def cleaning(self) -> CleanOptions:
        """The options of `clean` by which files are read and written."""
        shared = (
            "mask",
            "box",
            "polygon",
            "preview",
            "resume",
            "smart",
            "codec",
            "crf",
            "checkpoint",
            "backend",
        )
        fill = "network" if self.method == "network" else self.fills[0]
        return CleanOptions(fill=fill, **{name: getattr(self, name) for name in shared})
