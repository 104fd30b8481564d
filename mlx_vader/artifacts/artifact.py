"""The types of this room: what an artifact is, and what it leaves behind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.artifacts.vocabulary import Vocabulary


class Spoiled(NamedTuple):
    """A clip with artifacts.

    frames      RGB float32 in [0, 1], the shape of the clean clip.
    mask        where an overlay lies: 1 inside, a soft edge of about one pixel, 0 outside; all zeros without overlay.
                It says where, not how opaque: a faint logo has the mask of a solid one; outline and shadow count.
    artifacts   names in the order in which they were applied; empty for a clean clip.
    mask_known  False where there is salt-and-pepper noise and no overlay: single pixels are lost, and a network that
                marks them is not wrong. Beside an overlay the mask is of the overlay alone.
    """

    frames: Clip
    mask: Masks
    artifacts: tuple[str, ...]
    mask_known: bool


@dataclass(frozen=True)
class Style:
    """What overlays are drawn from, and in which frame.

    logos  a folder of pictures with alpha to use as logos.
    zoom   the frame that overlays are laid out in is so many times as high and wide as the clip, which is a part of it.
    """

    vocabulary: Vocabulary
    logos: Path | None = None
    zoom: float = 1.0


@dataclass(frozen=True)
class Artifact:
    """One of the thirteen.

    `spoil(frames, rng, severity, style)` returns the spoiled clip and its mask (zeros for a degradation).
    `stage` is its usual place on the way of a video: 0 lens, 1 sensor or film, 2 grading, 3 overlay, 4 codec.
    """

    name: str
    kind: Literal["overlay", "degradation"]
    stage: int
    about: str
    spoil: Callable[[Clip, np.random.Generator, float, Style], tuple[Clip, Masks]]
