"""What is known of a mark once it has been measured."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy import ndimage

from mlx_vader.arrays import Pixels
from mlx_vader.membrane import Membrane, membrane_over

#: From this opacity on nothing of the scene is left to be amplified.
OPAQUE = 0.88
#: A mark is told from the scene where that varies by so much behind it (variance of luma over time, squared levels),
#: and its opacity is known so well (standard error).
LEAST_MOTION, MOST_ERROR = 50.0, 0.08
#: The least of such variance with which un-blending is tried.
LEAST_TRIED = 10.0
#: Noise is amplified by no more than the inverse of this.
_LEAST_LIGHT = 0.07
#: Pixels of less than this opacity, or this share of their mark's, are seen well enough to guide the fill.
_SEEN_OPACITY, _SEEN_SHARE = 0.2, 0.45
#: Pixels of less opacity are none of the mark.
_COVERED = 0.02
#: Gaps of so many pixels in what is covered are covered too.
_GAPS = 5
#: The opacity of chroma from which on it does not guide the fill.
_SEEN_CHROMA = 0.01


@dataclass(frozen=True)
class Part:
    """Connected pixels of one mark. `box`: top, left, height, width in the crop that was fitted.

    `alpha` is the opacity of its inside, `error` the standard error of that, `pixel_error` the median one of a pixel's
    opacity. `colour`: RGB, 0 to 255. `motion`: variance over time of the scene's luma behind it, squared levels.
    `even`: one opacity throughout, each pixel of its own colour; else one colour, each pixel of its own opacity.
    `doubt`: by how much a subtraction is noisier than expected; infinite where it is not shown to be better than a
    fill.
    """

    box: tuple[int, int, int, int]
    alpha: float
    error: float
    pixel_error: float
    colour: tuple[int, int, int]
    motion: float
    even: bool
    doubt: float = 1.0

    @property
    def measured(self) -> bool:
        """Whether the scene moved enough behind it to tell the mark from it."""
        return self.motion >= LEAST_MOTION and self.error <= MOST_ERROR

    @property
    def opaque(self) -> bool:
        """Whether its inside hides the scene."""
        return self.alpha > OPAQUE

    @property
    def unblends(self) -> bool:
        """Whether `remove` is the way to go: it subtracts, and fills what is opaque from a rim that is not."""
        return self.might_unblend and bool(np.isfinite(self.doubt))

    @property
    def might_unblend(self) -> bool:
        """Whether it is worth a trial."""
        return self.motion >= LEAST_TRIED and not (self.opaque and self.even)


@dataclass(frozen=True, eq=False)
class Mark:
    """A mark in a crop of the frame. Arrays over n pixels are those of `region`, row by row, in YUV levels.

    The region holds the mark and the fringe into which its colours bleed. `alpha`: opacity in Y, U and V. `product`:
    opacity times colour. `colour`: of each pixel. `alpha_error`: standard error of luma's opacity. `fill_variance`:
    mean squared error of a membrane's luma here, squared levels. `noise`: variance of what is left after the
    subtraction, squared levels. `part_of`: index in `parts`. `changed`: whether what is seen differs from what was
    guessed beneath; None: nobody looked. `fill`: which of the fills that were tried is the best here.
    """

    region: Pixels
    alpha: Float32[np.ndarray, "n 3"]
    product: Float32[np.ndarray, "n 3"]
    colour: Float32[np.ndarray, "n 3"]
    alpha_error: Float32[np.ndarray, " n"]
    fill_variance: Float32[np.ndarray, " n"]
    noise: Float32[np.ndarray, "n 3"]
    part_of: Int[np.ndarray, " n"]
    parts: tuple[Part, ...]
    changed: Bool[np.ndarray, " n"] | None = None
    fill: int = 0

    def packed(self) -> dict[str, np.ndarray]:
        """Arrays by name, from which `unpacked` makes the mark again."""
        known = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "parts"}
        arrays = {name: np.asarray(value) for name, value in known.items() if value is not None}
        rows = [np.hstack(astuple(part)).astype(np.float64) for part in self.parts]
        return arrays | {"parts": np.stack(rows)}

    @staticmethod
    def unpacked(arrays: Mapping[str, np.ndarray]) -> "Mark":
        """The mark that was packed."""
        parts = []
        for row in arrays["parts"].tolist():
            top, left, height, width = map(int, row[:4])
            alpha, error, pixel_error, red, green, blue, motion, even, doubt = row[4:]
            colour = int(red), int(green), int(blue)
            box = top, left, height, width
            parts.append(Part(box, alpha, error, pixel_error, colour, motion, bool(even), doubt))
        others = {name: array for name, array in arrays.items() if name not in {"parts", "fill"}}
        return Mark(**others, parts=tuple(parts), fill=int(arrays["fill"]))

    def pixels_of(self, wanted: Bool[np.ndarray, " parts"]) -> Pixels:
        """The pixels of some parts, in the crop."""
        chosen = np.zeros(self.region.shape, bool)
        chosen[self.region] = wanted[self.part_of]
        return chosen

    @cached_property
    def covered(self) -> Pixels:
        """The pixels of the crop that the mark covers, without its fringe."""
        covered = np.zeros(self.region.shape, bool)
        covered[self.region] = self.alpha[:, 0] > _COVERED
        if self.changed is not None:
            covered[self.region] |= self.changed
        return closed(covered)

    @cached_property
    def gain(self) -> Float32[np.ndarray, "n 3"]:
        """By how much the subtraction amplifies."""
        return gain_of(self.alpha)

    @cached_property
    def even(self) -> Bool[np.ndarray, " n"]:
        """Which pixels are of parts with one opacity throughout."""
        return np.array([part.even for part in self.parts], bool)[self.part_of]

    @cached_property
    def doubt(self) -> Float32[np.ndarray, " n"]:
        """That of each pixel's part, where there is one."""
        doubts = np.array([part.doubt for part in self.parts], np.float32)
        return np.where(np.isfinite(doubts), doubts, 1)[self.part_of]

    @cached_property
    def hidden(self) -> Bool[np.ndarray, "n 3"]:
        """Which samples are too opaque to guide the fill of others."""
        top = max((part.alpha for part in self.parts), default=1.0)
        least = min(_SEEN_OPACITY, _SEEN_SHARE * top)
        # Chroma is guessed so well from afar that a rim which was subtracted is no help.
        return self.alpha > np.array([least, _SEEN_CHROMA, _SEEN_CHROMA])

    @cached_property
    def membranes(self) -> tuple[Membrane | None, Membrane | None]:
        """What fills the hidden samples of luma and of chroma; None where there are none, or nothing else."""
        return self._membrane(0), self._membrane(1)

    def _membrane(self, channel: int) -> Membrane | None:
        hole = np.zeros(self.region.shape, bool)
        hole[self.region] = self.hidden[:, channel]
        return membrane_over(hole) if hole.any() and not hole.all() else None


def closed(covered: Pixels) -> Pixels:
    """With what a mark surrounds, nearly: by chance the scene may have its colour there."""
    reach = np.ones((_GAPS, _GAPS), np.uint8)
    near = cv2.morphologyEx(np.pad(covered, _GAPS).astype(np.uint8), cv2.MORPH_CLOSE, reach)
    filled: Pixels = ndimage.binary_fill_holes(near)[_GAPS:-_GAPS, _GAPS:-_GAPS]
    return filled


def gain_of(alpha: Float32[np.ndarray, "*pixels"]) -> Float32[np.ndarray, "*pixels"]:
    """By how much the subtraction of marks of these opacities amplifies."""
    return 1 / np.maximum(1 - alpha, np.float32(_LEAST_LIGHT))
