"""Where in a whole frame a known mark may lie: its edges are compared with the frame's at every place at once.

What a mark makes of a frame depends on what the frame shows, since a white mark has no edge over white. The
comparison is a sum of correlations of planes that are made of the frame with planes that are made of the mark; each
is a product of Fourier transforms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32
from scipy import fft

from mlx_vader.inpainting.known.posing import Edges, Layer, edges, gradient

#: Edges of the frame count up to so many levels a pixel.
_STRONGEST = 60.0
#: Of the planes that are compared the first are linear in the mark's edges: down and across, in Y, U and V, twice.
_LINEAR = 12
#: A picture that is neither dark nor bright, in levels.
_MIDDLE = 128.0
#: Of a mark's edges so much must lie in the frame.
_LEAST_INSIDE = 0.4
#: Edges weaker than this share of the mark's strongest do not count.
_FAINT = 0.08


@dataclass(frozen=True)
class Hit:
    """A place that looks like the mark: the offset of the layer's first pixel, and how sure that is.

    `evidence` is the logarithm of a ratio of likelihoods, were each of the mark's edge pixels one of its own.
    """

    top: int
    left: int
    evidence: float


class Haystack:
    """Pictures of one size, (h, w, 3) in YUV levels, for marks of at most `largest` (height, width)."""

    def __init__(self, pictures: Sequence[Float32[np.ndarray, "h w 3"]], largest: tuple[int, int]) -> None:
        self.height, self.width = pictures[0].shape[:2]
        self._shape = tuple(
            fft.next_fast_len(side + more, real=True)
            for side, more in zip((self.height, self.width), largest, strict=True)
        )
        self._inside = self._transformed(np.ones((self.height, self.width), np.float32))
        self._frames = [self._frame(picture) for picture in pictures]

    def hits(self, laid: Layer, count: int, near: tuple[int, int, int] | None = None) -> list[Hit]:
        """The places most like the mark, in the pictures together and in each by itself, best first.

        `near`: only offsets around (top, left), within so many pixels.
        """
        needle = edges(laid)
        strength = np.abs(needle.fixed).sum(axis=(0, 3)) + _MIDDLE * np.abs(needle.shaded).sum(axis=(0, 3))
        counts = (strength > _FAINT * strength.max()).astype(np.float32)
        there = self._correlated(self._inside * np.conj(self._transformed(counts)))
        allowed = there >= max(_LEAST_INSIDE * float(counts.sum()), 1)
        if near is not None:
            rows, columns = (
                np.arange(place - near[2], place + near[2] + 1) % side
                for place, side in zip(near[:2], self._shape, strict=True)
            )
            window = np.zeros_like(allowed)
            window[np.ix_(rows, columns)] = True
            allowed &= window
        sums = self._sums(Edges(needle.fixed * counts[..., None], needle.shaded * counts[..., None]), counts)
        found = []
        for products, mine, theirs in [np.sum(sums, axis=0), *(sums if len(sums) > 1 else ())]:
            likeness = products / np.sqrt(np.maximum(mine, 1e-3) * np.maximum(theirs, 1e-3))
            evidence = -there * np.log1p(-np.square(np.clip(likeness, 0, 0.99)))
            found += self._best(np.where(allowed, evidence, 0), laid.alpha.shape, count)
        return sorted(found, key=lambda hit: -hit.evidence)

    def _frame(self, picture: Float32[np.ndarray, "h w 3"]) -> list[np.ndarray]:
        """Spectra of what is compared with each of the planes that `_sums` makes of a mark."""
        slopes = np.clip(gradient(picture), -_STRONGEST, _STRONGEST)
        planes = [slopes, slopes * picture, picture[None], np.square(picture)[None]]
        spectra = [self._transformed(plane[..., c]) for each in planes for plane in each for c in range(3)]
        return [*spectra, self._transformed(np.square(slopes).sum(axis=(0, 3)))]

    def _sums(self, needle: Edges, counts: Float32[np.ndarray, "h w"]) -> list[np.ndarray]:
        """For each picture, at every offset: its edges times the mark's, the mark's squared, its own squared."""
        fixed, shaded = needle
        both, squared = -2 * (fixed * shaded).sum(axis=0), np.square(shaded).sum(axis=0)
        planes = [fixed, -shaded, both[None], squared[None]]
        spectra = [
            np.conj(self._transformed(plane[..., c])) for each in planes for plane in each for c in range(3)
        ]
        constant = self._inside * np.conj(self._transformed(np.square(fixed).sum(axis=(0, 3))))
        counted = np.conj(self._transformed(counts))
        found = []
        for *frames, energy in self._frames:
            pairs = [frame * mark for frame, mark in zip(frames, spectra, strict=True)]
            parts = sum(pairs[:_LINEAR]), constant + sum(pairs[_LINEAR:]), energy * counted
            found.append(np.stack([self._correlated(part) for part in parts]))
        return found

    def _transformed(self, plane: Float32[np.ndarray, "h w"]) -> Complex64[np.ndarray, "h3 w3"]:
        return fft.rfft2(plane, self._shape)

    def _correlated(self, spectrum: Complex64[np.ndarray, "h3 w3"]) -> Float32[np.ndarray, "h3 w4"]:
        return fft.irfft2(spectrum, self._shape)

    def _best(self, evidence: Float32[np.ndarray, "h w"], size: tuple[int, ...], count: int) -> list[Hit]:
        """Peaks that lie apart. Offsets beyond the frame's end are those before its beginning."""
        evidence, found = evidence.copy(), []
        apart = max(2, min(size[:2]) // 4)
        for _ in range(count):
            row, column = (int(place) for place in np.unravel_index(evidence.argmax(), evidence.shape))
            value = float(evidence[row, column])
            if value <= 0:
                break
            top = row - self._shape[0] if row >= self.height else row
            left = column - self._shape[1] if column >= self.width else column
            found.append(Hit(top, left, value))
            rows = np.arange(row - apart, row + apart + 1) % self._shape[0]
            columns = np.arange(column - apart, column + apart + 1) % self._shape[1]
            evidence[np.ix_(rows, columns)] = 0
        return found
