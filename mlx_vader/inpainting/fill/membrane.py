"""A membrane stretched over a hole: Laplace's equation with the surroundings as its border.

Pérez et al., "Poisson Image Editing", SIGGRAPH 2003, without a guide. Where nothing but a gradient surrounds a hole a
membrane is the better guess; in texture a network is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float32
from scipy import sparse

from mlx_vader.arrays import Clip, Flows, Masks
from mlx_vader.masks.regions import boxes_around

#: Standard deviation of the surroundings at which network and membrane count alike. Between 0.009 and 0.016 nothing
#: changes by more than 0.2 dB on held-out photographs.
SMOOTH_STD = 0.012
#: Texture is measured in blocks of so many pixels.
BLOCK = 4
#: Sweeps of the relaxation, at each size from the coarsest on.
SWEEPS = 2

_LUMA = np.full((1, 3), 1 / 3, np.float32)

Picture = Float32[np.ndarray, "h w c"]
Hole = Bool[np.ndarray, "h w"]


def fill_with_membrane(frames: Clip, mask: Masks, flow: Flows | None = None) -> Clip:
    """A membrane in every hole; what the frames show there does not count."""
    return _fill_each(frames, mask, lambda picture, hole: 1.0)


def fill_smooth_places(frames: Clip, mask: Masks, flow: Flows | None = None) -> Clip:
    """A membrane in the holes as far as their surroundings are smooth, and the network's painting beyond.

    `frames` are a network's, in [0, 1], inside the holes and around them.
    """
    return _fill_each(frames, mask, _smoothness)


def _fill_each(frames: Clip, mask: Masks, weight_of: Callable[[Picture, Hole], Any]) -> Clip:
    """The membrane counts as `weight_of` says, from 0 to 1 for each hole pixel; the frames count for the rest."""
    result = frames.copy()
    for frame, hole in zip(result, mask[..., 0] > 0.5, strict=True):
        for box in boxes_around(hole):
            if not hole[box].all():
                crop = frame[box]
                picture = np.ascontiguousarray(crop)
                _stretch(picture, hole[box], weight_of(picture, hole[box]))
                if picture is not crop:
                    crop[...] = picture
    return result


def membrane(picture: Picture, hole: Hole) -> Picture:
    """Laplace's equation in the hole, solved from coarse to fine; a picture that is all hole stays as it is."""
    result = np.ascontiguousarray(picture).copy()
    if hole.any() and not hole.all():
        _stretch(result, hole, 1.0)
    return result


def _stretch(picture: Picture, hole: Hole, weight: Any) -> None:
    """Lays a membrane over the hole, in place: `weight` of it, (n, 1) for the hole's pixels or one for all."""
    system, pixels = _system(hole), _pixels(picture)
    painted = np.take(pixels, system.places, axis=0)
    pixels[system.places] = 0
    pixels[system.places] = painted + weight * (system.solved(picture) - painted)


def _smoothness(picture: Picture, hole: Hole) -> Any:
    """How much the membrane counts at each pixel of the hole, (n, 1)."""
    variance = _surrounding_variance(picture, hole)
    if variance is None:
        return 0.0
    system = _system(hole)
    smooth = SMOOTH_STD**2 / (variance + np.float32(SMOOTH_STD**2))
    return np.take(smooth, system.blocks)[:, None]


def _surrounding_variance(picture: Picture, hole: Hole) -> Float32[np.ndarray, "h4 w4"] | None:
    """The variance of brightness in blocks of pixels; in holes what it is around them. None where all is hole."""
    near = _system(hole).blocks_near
    if near.all():
        return None
    luma = cv2.transform(picture, _LUMA)
    mean, square = _block_means(luma), _block_means(np.square(luma))
    return membrane(np.maximum(square - np.square(mean), 0)[..., None], near)[..., 0]


def _block_means(image: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h4 w4"]:
    """Blocks that reach over the border go on with the border's pixels."""
    height, width = (-(-side // BLOCK) for side in image.shape)
    padding = BLOCK * height - image.shape[0], BLOCK * width - image.shape[1]
    if any(padding):
        image = cv2.copyMakeBorder(image, 0, padding[0], 0, padding[1], cv2.BORDER_REPLICATE)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


@dataclass(frozen=True)
class _System:
    """What solving for one hole needs besides the colours, at one size, and the system at half of it.

    Each hole pixel is to be the mean of its four neighbours: `inner` says which of them are in the hole, `border` which
    are not, as weights of the pixels at `border_places`. `known`: how much of two by two pixels is known. `parents`:
    the places of the hole's pixels in the picture of half the size. `blocks`: the blocks that the hole's pixels lie in;
    `blocks_near`: those, and the blocks next to them. Places count pixels row by row.
    """

    places: np.ndarray
    border_places: np.ndarray
    inner: sparse.csr_array
    border: sparse.csr_array
    known: Float32[np.ndarray, "h2 w2 1"]
    coarser: "_System | None"
    parents: np.ndarray
    blocks: np.ndarray
    blocks_near: Bool[np.ndarray, "h4 w4"]

    def solved(self, picture: Picture) -> Float32[np.ndarray, "n c"]:
        """The colours of the hole's pixels, row by row. In the picture they are zeros."""
        outside = self.border @ np.take(_pixels(picture), self.border_places, axis=0)
        inside = self._start(picture)
        for _ in range(SWEEPS):
            inside = self.inner @ inside
            inside += outside
        return inside

    def _start(self, picture: Picture) -> Float32[np.ndarray, "n c"]:
        """What the pixels' parents are in the picture of half the size."""
        half = _halved(picture)
        half /= self.known
        if self.coarser is not None:
            _pixels(half)[self.coarser.places] = self.coarser.solved(half)
        return np.take(_pixels(half), self.parents, axis=0)


def _pixels(picture: Picture) -> Float32[np.ndarray, "n c"]:
    """The same memory, row by row."""
    return picture.reshape(-1, picture.shape[-1])


def _system(hole: Hole) -> _System:
    """The system of a hole, remembered: most masks stay as they are from frame to frame."""
    return _remembered_system(hole.shape, np.packbits(hole).tobytes())


@lru_cache(maxsize=32)
def _remembered_system(shape: tuple[int, int], packed: bytes) -> _System:
    count = shape[0] * shape[1]
    return _built(np.unpackbits(np.frombuffer(packed, np.uint8), count=count).reshape(shape).astype(bool))


def _built(hole: Hole) -> _System:
    height, width = hole.shape
    y, x = np.nonzero(hole)
    places = y * width + x
    neighbours = np.stack(
        [
            np.maximum(y - 1, 0) * width + x,
            np.minimum(y + 1, height - 1) * width + x,
            y * width + np.maximum(x - 1, 0),
            y * width + np.minimum(x + 1, width - 1),
        ]
    )
    rows = np.broadcast_to(np.arange(len(places)), neighbours.shape)
    is_inner = hole.reshape(-1)[neighbours]
    number = np.zeros(hole.size, np.int64)
    number[places] = np.arange(len(places))
    border_places, border_number = np.unique(neighbours[~is_inner], return_inverse=True)
    inner = _quarters(rows[is_inner], number[neighbours[is_inner]], (len(places), len(places)))
    border = _quarters(rows[~is_inner], border_number, (len(places), len(border_places)))
    known = _halved((~hole).astype(np.float32)[..., None])
    unknown = known[..., 0] == 0
    return _System(
        places,
        border_places,
        inner,
        border,
        np.maximum(known, 1e-6),
        _built(unknown) if unknown.any() and not unknown.all() else None,
        y // 2 * known.shape[1] + x // 2,
        y // BLOCK * -(-width // BLOCK) + x // BLOCK,
        cv2.dilate((_block_means(hole.astype(np.float32)) > 0).astype(np.uint8), np.ones((3, 3))) > 0,
    )


def _quarters(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    weights = np.full(len(rows), 0.25, np.float32)
    return sparse.coo_array((weights, (rows, columns)), shape).tocsr()


def _halved(picture: Picture) -> Float32[np.ndarray, "h2 w2 c"]:
    """Means of two by two pixels; odd sides end in zeros."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT, value=0)
    size = -(-width // 2), -(-height // 2)
    return np.atleast_3d(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
