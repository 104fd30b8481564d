"""A known mark is put, to parts of a pixel, where taking it away leaves the fewest edges, and its opacity is measured.

Edges of natural pictures are mostly weak and seldom strong: a sum of absolute values tells what belongs to the scene
from what a mark leaves better than one of squares. Luma decides; chroma, which is coarser, follows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy import optimize

from mlx_vader.boxes import Box
from mlx_vader.inpainting.known.posing import (
    LEAST_LIGHT,
    USUAL_CHROMA,
    Chroma,
    Layer,
    Pose,
    Shown,
    edges,
    gradient,
    layer,
    luma_layer,
)

#: Below so many levels a pixel edges are noise, and count as squares.
_NOISE = 1.5
#: Of a mark's edges those of this share of the strongest count, and no more pixels than this.
_FAINT, _MOST_PIXELS = 0.06, 12_000
#: Bounds: sizes, as factors of the first guess, softness in pixels, opacity as a multiple, and those of chroma.
_SIZES, _SOFTEST, _GAINS = 0.08, 1.5, (0.1, 1.3)
_CHROMA_MOVES, _CHROMA_SOFTEST = 1.0, 1.6
#: Room around what is compared, in pixels.
_AROUND = 6
#: Gains that are tried first, and by how much they lie apart.
_TRIED, _APART = (0.1, 0.3, 0.5, 0.7, 0.9, 1.1), 0.2
#: A picture that is neither dark nor bright, in levels.
_MIDDLE = 128.0


@dataclass(frozen=True, eq=False)
class Pictures:
    """A box of the frame in some pictures, (h, w, t, c) in levels of Y, U and V, or of some of them."""

    box: Box
    planes: Float32[np.ndarray, "h w t c"]

    @staticmethod
    def of(box: Box, pictures: Sequence[Float32[np.ndarray, "h w c"]]) -> "Pictures":
        """From one picture or several."""
        return Pictures(box, np.stack(pictures, axis=2))

    def channels(self, chosen: slice) -> "Pictures":
        """Some of Y, U and V alone."""
        return Pictures(self.box, self.planes[..., chosen])

    def pictures(self, chosen: Bool[np.ndarray, " t"]) -> "Pictures":
        """Some of the pictures alone."""
        return Pictures(self.box, self.planes[:, :, chosen])

    def near(self, box: Box) -> "Pictures":
        """What lies in another box of the frame too."""
        inner = box.within(self.box)
        seen = inner.seen_from(self.box)
        return Pictures(inner, self.planes[seen.rows, seen.columns])

    def roughness(self, places: Int[np.ndarray, " n"], without: Layer | None = None) -> float:
        """How strong edges are at some pixels, counted row by row, in the pictures, or once a mark is taken away."""
        planes = self.planes
        if without is not None:
            light = np.maximum(1 - without.alpha, np.float32(LEAST_LIGHT))[:, :, None]
            planes = (planes - without.product[:, :, None]) / light
        slopes = gradient(planes.reshape(*planes.shape[:2], -1)).reshape(2, -1, *planes.shape[2:])[:, places]
        if without is not None:  # what shines through less counts less: it is noisier
            slopes = slopes * light.reshape(-1, 1, light.shape[-1])[places]
        return float(np.sqrt(np.square(slopes) + np.float32(_NOISE**2)).sum() - _NOISE * slopes.size)


LUMA, CHROMA = slice(0, 1), slice(1, 3)


@dataclass(frozen=True)
class Aligned:
    """A pose, chroma's deviation from it, and the opacity as a multiple of the file's."""

    pose: Pose
    gain: float = 1.0
    chroma: Chroma = USUAL_CHROMA

    def layer(self, mark: Shown, box: Box) -> Layer:
        """The mark in the pixels of a box of the frame."""
        return layer(mark, self.pose, box, self.chroma).times(self.gain)


def align(mark: Shown, pictures: Pictures, start: Pose, reach: float) -> Aligned:
    """The best pose within `reach` pixels of `start`, of about its size."""
    around = int(np.ceil(reach)) + _AROUND
    luma = pictures.channels(LUMA).near(start.box(*mark.shape[:2]).grown(around, around))
    places = edge_pixels(luma_layer(mark, start, luma.box), int(np.ceil(reach)) + 1)

    def aligned(values: np.ndarray) -> Aligned:
        down, right, larger, blur, gain = (float(value) for value in values)
        return Aligned(
            _moved(start, mark, down * reach, right * reach, larger * _SIZES, blur * _SOFTEST), gain
        )

    def rest(values: np.ndarray) -> float:
        here = aligned(values)
        return luma.roughness(places, luma_layer(mark, here.pose, luma.box).times(here.gain))

    unit = (-1.0, 1.0)
    return aligned(_least(rest, [0, 0, 0, 0, 1], [unit, unit, unit, (0, 1), _GAINS]))


def with_chroma(mark: Shown, pictures: Pictures, found: Aligned) -> Aligned:
    """With chroma where it leaves the fewest edges of its own."""
    chroma = pictures.channels(CHROMA)
    places = edge_pixels(found.layer(mark, chroma.box).channels(CHROMA), 2)

    def aligned(values: np.ndarray) -> Aligned:
        return replace(found, chroma=Chroma(*(float(value) for value in values)))

    def rest(values: np.ndarray) -> float:
        return chroma.roughness(places, aligned(values).layer(mark, chroma.box).channels(CHROMA))

    moves = (-_CHROMA_MOVES, _CHROMA_MOVES)
    return aligned(_least(rest, list(USUAL_CHROMA), [moves, moves, (0, _CHROMA_SOFTEST)]))


def gain_in(laid: Layer, pictures: Pictures) -> tuple[float, float, float]:
    """Gain in the pictures, its standard error, and by which share taking the mark away lessens their edges."""
    laid, luma = laid.channels(LUMA), pictures.channels(LUMA)
    places = edge_pixels(laid, 1)

    def rest(gain: float) -> float:
        return luma.roughness(places, laid.times(gain))

    first = min(_TRIED, key=rest)
    bounds = max(first - _APART, _GAINS[0]), min(first + _APART, _GAINS[1])
    best = optimize.minimize_scalar(rest, bounds=bounds, method="bounded", options={"xatol": 2e-3})
    gain = float(best.x)
    error = gain * _relative_error(laid.times(gain), luma, places)
    return gain, error, 1 - float(best.fun) / max(luma.roughness(places), 1e-9)


def share_of(laid: Layer, pictures: Pictures) -> float:
    """By which share taking the mark away lessens the pictures' edges; below 0 where they become more."""
    laid, luma = laid.channels(LUMA), pictures.channels(LUMA)
    places = edge_pixels(laid, 1)
    return 1 - luma.roughness(places, laid) / max(luma.roughness(places), 1e-9)


def _relative_error(laid: Layer, pictures: Pictures, places: Int[np.ndarray, " n"]) -> float:
    """Of a gain, by how strong the mark's edges are beside the scene's."""
    seen = pictures.planes.mean(axis=2)
    fixed, shaded = edges(laid)
    ours = (fixed - seen * shaded).reshape(2, -1)[:, places]
    rest = gradient(seen).reshape(2, -1)[:, places] - ours
    weight = 1 / np.sqrt(np.square(rest) + _NOISE**2)
    # Neighbouring pixels err alike: two of three are no evidence of their own.
    spread = np.sqrt(3 * np.square(weight * ours * rest).sum())
    return float(spread / max(float((weight * ours * ours).sum()), 1e-9))


def edge_pixels(laid: Layer, reach: int) -> Int[np.ndarray, " n"]:
    """Where the mark's edges are, and so many pixels around them."""
    mark = edges(laid)
    strength = np.abs(mark.fixed).sum(axis=(0, 3)) + _MIDDLE * np.abs(mark.shaded).sum(axis=(0, 3))
    strong = (strength > _FAINT * strength.max()).astype(np.uint8)
    places = np.flatnonzero(cv2.dilate(strong, np.ones((2 * reach + 1,) * 2, np.uint8)))
    if len(places) > _MOST_PIXELS:
        places = places[np.linspace(0, len(places) - 1, _MOST_PIXELS).astype(int)]
    return places


def _least(
    rest: Callable[[np.ndarray], float], start: list[float], bounds: list[tuple[float, float]]
) -> np.ndarray:
    options = {"xtol": 4e-3, "ftol": 1e-5, "maxiter": 10}
    best = optimize.minimize(rest, np.array(start), method="Powell", bounds=bounds, options=options)
    found: np.ndarray = best.x
    return found


def _moved(pose: Pose, mark: Shown, down: float, right: float, larger: float, blur: float) -> Pose:
    """Moved and made larger about its middle."""
    height, width = mark.shape[:2]
    factor = 1 + larger
    return Pose(
        pose.top + down - larger * pose.down * height / 2,
        pose.left + right - larger * pose.across * width / 2,
        pose.down * factor,
        pose.across * factor,
        blur,
    )
