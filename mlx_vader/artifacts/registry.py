"""The thirteen artifacts by name, and how users name them."""

from collections.abc import Callable, Iterable

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.artifacts import degradations, overlays
from mlx_vader.artifacts.artifact import Artifact, Style
from mlx_vader.artifacts.drawing.compose import Paint, cropped, lay_over
from mlx_vader.errors import UsageError, choices

_Draw = Callable[[int, int, int, np.random.Generator, float, Style], Paint]
_Degrade = Callable[[Clip, np.random.Generator, float], Clip]


def _overlay(draw: _Draw, about: str) -> Artifact:
    def spoil(frames: Clip, rng: np.random.Generator, severity: float, style: Style) -> tuple[Clip, Masks]:
        length, height, width = frames.shape[:3]
        if style.zoom <= 1:
            return lay_over(frames, draw(height, width, length, rng, severity, style))
        frame = round(height * style.zoom), round(width * style.zoom)
        paint = draw(*frame, length, rng, severity, style)
        return lay_over(frames, cropped(paint, frame, (length, height, width), rng))

    return Artifact(draw.__name__, "overlay", 3, about, spoil)


def _degradation(degrade: _Degrade, stage: int, about: str) -> Artifact:
    def spoil(frames: Clip, rng: np.random.Generator, severity: float, style: Style) -> tuple[Clip, Masks]:
        return degrade(frames, rng, severity), np.zeros((*frames.shape[:3], 1), np.float32)

    return Artifact(degrade.__name__, "degradation", stage, about, spoil)


ARTIFACTS: dict[str, Artifact] = {
    artifact.name: artifact
    for artifact in (
        _overlay(overlays.corner_logo, "still logo in a corner"),
        _overlay(overlays.text_overlay, "subtitle, credit, timecode, lower third or stamp"),
        _overlay(overlays.tiled_pattern, "name or logo repeated over the picture"),
        _overlay(overlays.moving_logo, "logo that wanders over the picture"),
        _overlay(overlays.channel_logo, "translucent, animated broadcaster's logo"),
        _overlay(overlays.diagonal_text, "large text from corner to corner"),
        _degradation(degradations.jpeg_compression, 4, "JPEG, quality 85 to 5"),
        _degradation(degradations.video_compression, 4, "H.264, H.265 or MPEG-4, quantiser 18 to 46"),
        _degradation(degradations.gaussian_noise, 1, "sensor noise, sigma 2 to 50 of 255"),
        _degradation(degradations.salt_pepper_noise, 1, "black and white pixels, 0.1 to 10 %"),
        _degradation(degradations.film_grain, 1, "correlated grain, sigma 3 to 30 of 255"),
        _degradation(degradations.color_banding, 2, "64 to 4 levels a channel"),
        _degradation(degradations.blur, 0, "Gaussian, motion or defocus blur"),
    )
}

GROUPS: dict[str, tuple[str, ...]] = {
    "all": tuple(ARTIFACTS),
    "overlays": tuple(name for name, artifact in ARTIFACTS.items() if artifact.kind == "overlay"),
    "degradations": tuple(name for name, artifact in ARTIFACTS.items() if artifact.kind == "degradation"),
}


def parse_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """`"corner_logo,degradations"` as artifact names, each once, in the order of ARTIFACTS.

    Takes names and the groups `overlays`, `degradations` and `all`, in any case, with - or _. Raises UsageError.
    """
    parts = names.split(",") if isinstance(names, str) else names
    chosen: set[str] = set()
    for part in parts:
        name = part.strip().lower().replace("-", "_")
        if name:
            chosen.update(GROUPS.get(name) or (known(name),))
    if not chosen:
        raise UsageError("no artifact is named", hint=f"choose from {', '.join((*GROUPS, *ARTIFACTS))}")
    return tuple(name for name in ARTIFACTS if name in chosen)


def known(name: str) -> str:
    """The name itself, if an artifact has it. Raises UsageError, with the nearest name in the hint."""
    if name in ARTIFACTS:
        return name
    raise UsageError(f"no artifact is called {name!r}", hint=choices(name, (*ARTIFACTS, *GROUPS)))
