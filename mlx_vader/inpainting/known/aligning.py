"""A known mark is put, to parts of a pixel, where taking it away leaves the fewest edges, and its opacity is measured.

Edges of natural pictures are mostly weak and seldom strong: a sum of absolute values tells what belongs to the scene from
what a mark leaves better than one of squares. Luma decides; chroma, which is coarser, follows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float32, Int
from scipy import optimize

from mlx_vader.boxes import Box
from mlx_vader.inpainting.known.posing import Chroma, Layer, Pose, Shown, edges, gradient, layer, luma_layer

#: Below so many levels a pixel edges are noise, and count as squares.
_NOISE = 1.5
#: Of a mark's edges those of this share of the strongest count, and no more pixels than this.
_FAINT, _MOST_PIXELS = 0.06, 12_000
#: Bounds: sizes, as factors of the first guess, softness in pixels, opacity as a multiple, and those of chroma.
_SIZES, _SOFTEST, _GAINS = 0.08, 1.5, (0.1, 1.3)
_CHROMA_MOVES, _CHROMA_SOFTEST = 1.0, 1.6
_ROUNDS = 4
#: A picture that is neither dark nor bright, in levels.
_MIDDLE = 128.0


@dataclass(frozen=True, eq=False)
class Pictures:
    """A box of the frame in some pictures, (t, h, w, c) in levels of Y, U and V, or of some of them."""

    box: Box
    planes: Float32[np.ndarray, "t h w c"]

    @cached_property
    def luma(self) -> "Pictures":
        """Y alone."""
        return Pictures(self.box, self.planes[..., :1])

    @cached_property
    def chroma(self) -> "Pictures":
        """U and V alone."""
        return Pictures(self.box, self.planes[..., 1:])

    @cached_property
    def slopes(self) -> Float32[np.ndarray, "t 2 h w c"]:
        """Their gradients."""
        return np.stack([gradient(picture) for picture in self.planes])

    def at(
        self, places: Int[np.ndarray, " n"]
    ) -> tuple[Float32[np.ndarray, "t n c"], Float32[np.ndarray, "t 2 n c"]]:
        """Values and gradients of some pixels, counted row by row."""
        count, *_, channels = self.planes.shape
        values = self.planes.reshape(count, -1, channels)[:, places]
        return values, self.slopes.reshape(count, 2, -1, channels)[:, :, places]


@dataclass(frozen=True)
class Aligned:
    """A pose, chroma's deviation from it, and the opacity as a multiple of the file's."""

    pose: Pose
    gain: float = 1.0
    chroma: Chroma = Chroma()

    def layer(self, mark: Shown, box: Box) -> Layer:
        """The mark in the pixels of a box of the frame."""
        return layer(mark, self.pose, box, self.chroma).times(self.gain)


def align(mark: Shown, pictures: Pictures, start: Pose, reach: float) -> Aligned:
    """The best pose within `reach` pixels of `start`, of about its size."""
    luma = pictures.luma
    places = edge_pixels(luma_layer(mark, start, luma.box), int(np.ceil(reach)) + 1)
    seen, slopes = luma.at(places)

    def aligned(values: np.ndarray) -> Aligned:
        down, right, larger, blur, gain = (float(value) for value in values)
        return Aligned(
            _moved(start, mark, down * reach, right * reach, larger * _SIZES, blur * _SOFTEST), gain
        )

    def rest(values: np.ndarray) -> float:
        here = aligned(values)
        laid = luma_layer(mark, here.pose, luma.box).times(here.gain)
        return _roughness(slopes - _expected(laid, seen, places))

    unit = (-1.0, 1.0)
    return aligned(_least(rest, [0, 0, 0, 0, 1], [unit, unit, unit, (0, 1), _GAINS]))


def with_chroma(mark: Shown, pictures: Pictures, found: Aligned) -> Aligned:
    """With chroma where it leaves the fewest edges of its own."""
    chroma = pictures.chroma
    places = edge_pixels(found.layer(mark, chroma.box).chroma, 2)
    seen, slopes = chroma.at(places)

    def aligned(values: np.ndarray) -> Aligned:
        return replace(found, chroma=Chroma(*(float(value) for value in values)))

    def rest(values: np.ndarray) -> float:
        laid = aligned(values).layer(mark, chroma.box).chroma
        return _roughness(slopes - _expected(laid, seen, places))

    moves = (-_CHROMA_MOVES, _CHROMA_MOVES)
    return aligned(_least(rest, list(Chroma()), [moves, moves, (0, _CHROMA_SOFTEST)]))


def gain_in(laid: Layer, pictures: Pictures) -> tuple[float, float, float]:
    """Gain in the pictures, its standard error, and by which share taking the mark away lessens their edges."""
    laid, pictures = laid.luma, pictures.luma
    places = edge_pixels(laid, 1)
    seen, slopes = pictures.at(places)
    gain, error = 1.0, 1.0
    through = float(np.clip(laid.alpha.reshape(-1)[places].mean(), 0, 0.95))
    for _ in range(_ROUNDS):
        wanted = _expected(laid.times(gain), seen, places)
        rest = slopes - wanted
        weight = 1 / np.sqrt(np.square(rest) + _NOISE**2)
        squares = float((weight * wanted * wanted).sum())
        slope = float((weight * wanted * slopes).sum()) / max(squares, 1e-9)
        # Neighbouring pixels err alike: two of three are no evidence of their own.
        error = gain * np.sqrt(3 * float(np.square(weight * wanted * rest).sum())) / max(squares, 1e-9)
        gain = float(np.clip(slope * gain / (1 + (slope - 1) * gain * through), *_GAINS))
    return gain, float(error), share_of(laid.times(gain), pictures)


def share_of(laid: Layer, pictures: Pictures) -> float:
    """By which share taking the mark away lessens the pictures' edges; below 0 where they become more."""
    laid, pictures = laid.luma, pictures.luma
    places = edge_pixels(laid, 1)
    seen, slopes = pictures.at(places)
    return 1 - _roughness(slopes - _expected(laid, seen, places)) / max(_roughness(slopes), 1e-9)


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


def _expected(
    laid: Layer, seen: Float32[np.ndarray, "t n c"], places: Int[np.ndarray, " n"]
) -> Float32[np.ndarray, "t 2 n c"]:
    fixed, shaded = (each.reshape(2, -1, each.shape[-1])[:, places] for each in edges(laid))
    return fixed - seen[:, None] * shaded


def _roughness(slopes: Float32[np.ndarray, "t 2 n c"]) -> float:
    return float(np.sqrt(np.square(slopes) + np.float32(_NOISE**2)).sum() - _NOISE * slopes.size)


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
