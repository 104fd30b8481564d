"""What a moving mark looks like, known from some frames, and where it is in others."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mlx_vader.boxes import Box

Luma = UInt8[np.ndarray, "h w"]

#: Where the mark holds its look while what is around it changes: the deviation there, of that around it.
HOLDS = 0.5
#: Pixels along the edge of a template's box that are never of the mark.
RIM = 3
#: Levels of deviation that noise and coding make.
NOISE = 6.0
#: The share of a template's box that the mark covers at least.
COVERS = 0.1
#: A part of a mark is this share of its largest at least.
PART = 0.25


class Sight(NamedTuple):
    """Where a template is seen: the place of its first pixel, to a part of a pixel, and the correlation."""

    x: float
    y: float
    likeness: float


class Template(NamedTuple):
    """The picture of a mark, and which of its pixels are the mark."""

    picture: Float32[np.ndarray, "h w"]
    mask: Bool[np.ndarray, "h w"]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.mask.shape[0], self.mask.shape[1]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The part of it that holds the mark: x, y, width, height."""
        return Box.around(self.mask).xywh


def sight(picture: Float32[np.ndarray, "h w"] | Luma, template: Template) -> Sight:
    """The best match of the mark itself, which lies wholly in the picture; its box may reach beyond."""
    left, top, width, height = template.box
    if picture.shape[0] < height or picture.shape[1] < width:
        return Sight(0.0, 0.0, 0.0)
    inner = slice(top, top + height), slice(left, left + width)
    mask, sought = (
        np.ascontiguousarray(part[inner], np.float32) for part in (template.mask, template.picture)
    )
    match = cv2.matchTemplate(picture.astype(np.float32), sought, cv2.TM_CCOEFF_NORMED, mask=mask)
    match = np.where(np.isfinite(match) & (np.abs(match) <= 1.01), match, 0.0)
    y, x = (int(place) for place in np.unravel_index(int(match.argmax()), match.shape))
    return Sight(x + _peak(match[y], x) - left, y + _peak(match[:, x], y) - top, float(match[y, x]))


def _peak(values: Float32[np.ndarray, " n"], at: int) -> float:
    """How far beside a maximum the parabola through it and its neighbours has its own."""
    if not 0 < at < len(values) - 1:
        return 0.0
    left, middle, right = (float(values[at + beside]) for beside in (-1, 0, 1))
    bend = left - 2 * middle + right
    return float(np.clip((left - right) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0


def cut_out(
    picture: np.ndarray, x: float, y: float, size: tuple[int, int], beyond: int = cv2.BORDER_REPLICATE
) -> np.ndarray:
    """A patch at a place that may lie between pixels; beyond the picture its edge goes on, unless said."""
    shift = np.array([[1, 0, x], [0, 1, y]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, shift, size[::-1], flags=flags, borderMode=beyond)


def learned(patches: Float32[np.ndarray, "n h w"]) -> Template | None:
    """The mark in aligned patches with other things around it each time; None where all or nothing holds."""
    picture = np.median(patches, axis=0).astype(np.float32)
    off = np.abs(patches - picture)
    deviation = cv2.blur(np.median(off, axis=0).astype(np.float32), (3, 3))
    rim = np.ones(picture.shape, bool)
    rim[RIM:-RIM, RIM:-RIM] = False
    around = float(np.percentile(deviation[rim], 60))
    if around < NOISE / 2:
        return None
    holds = (deviation <= max(HOLDS * around, NOISE / 4)) & ~rim
    holds = cv2.morphologyEx(holds.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    holds = _large_parts(holds)
    if holds.mean() < COVERS or picture[holds].std() < NOISE:
        return None
    return Template(picture, holds)


def _large_parts(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The largest connected part, and others that are not much smaller: specks of the scene hold by chance."""
    _, labels, found, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pixels = found[:, cv2.CC_STAT_AREA]
    pixels[0] = 0
    return (pixels >= max(1, PART * pixels.max()))[labels]
