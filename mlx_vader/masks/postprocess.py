"""What is done to masks before they are used: growth, holes, hysteresis, soft edges, smoothing over time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32
from scipy import ndimage

from mlx_vader.arrays import Mask
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Finding, Packed, Video


def grown(mask: Mask, pixels: float) -> Mask:
    """0 or 1: all that lies at most so many pixels from what is marked (above one half), as by a disc."""
    marked = mask[..., 0] > 0.5
    if pixels <= 0 or not marked.any():
        return marked[..., None].astype(np.float32)
    distance = cv2.distanceTransform((~marked).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (distance <= pixels)[..., None].astype(np.float32)


def without_holes(mask: Mask, most: int) -> Mask:
    """0 or 1: holes of at most so many pixels are marked too. What touches the frame's border is no hole."""
    marked = mask[..., 0] > 0.5
    holes, number = ndimage.label(ndimage.binary_fill_holes(marked) & ~marked)
    small = np.bincount(holes.ravel(), minlength=number + 1) <= most
    small[0] = False
    return (marked | small[holes])[..., None].astype(np.float32)


def hysteresis(likely: Mask, low: float, high: float) -> Mask:
    """0 or 1: what is above `low` and hangs together with something above `high`, corners included."""
    parts, number = ndimage.label(likely[..., 0] > low, structure=np.ones((3, 3)))
    sure = np.zeros(number + 1, bool)
    sure[np.unique(parts[likely[..., 0] > high])] = True
    sure[0] = False
    return sure[parts][..., None].astype(np.float32)


def softened(mask: Mask, pixels: float) -> Mask:
    """0 to 1: blurred by a Gaussian with a standard deviation of so many pixels. Its edge stays at one half."""
    if pixels <= 0:
        return mask
    blurred = cv2.GaussianBlur(mask[..., 0], (0, 0), pixels, borderType=cv2.BORDER_REPLICATE)
    return np.clip(blurred, 0, 1)[..., None]


def smoothed(masks: Iterable[Mask], frames: int) -> Iterator[Mask]:
    """0 to 1: each mask becomes the mean of those up to so many frames before and after; near ones count more.

    The first and the last count for what would be before and after them. Where nothing changes, the same array comes
    again. Holds 2 `frames` + 1 masks.
    """
    masks = iter(masks)
    first = next(masks, None)
    if first is None:
        return
    weights = _weights(frames)
    window: deque[Mask] = deque(repeat(first, frames + 1), maxlen=len(weights))
    ahead = list(islice(masks, frames))
    last = ahead[-1] if ahead else first
    window.extend([*ahead, *repeat(last, frames - len(ahead))])
    yield _mean(window, weights)
    waiting = len(ahead)
    for mask in masks:
        last = mask
        window.append(mask)
        yield _mean(window, weights)
    for _ in range(waiting):
        window.append(last)
        yield _mean(window, weights)


def _weights(frames: int) -> Float32[np.ndarray, " n"]:
    """A Gaussian that is cut off at two standard deviations; their sum is 1."""
    distance = np.arange(-frames, frames + 1) / max(frames / 2, 0.5)
    weights = np.exp(-(distance**2) / 2)
    return (weights / weights.sum()).astype(np.float32)


def _mean(window: deque[Mask], weights: Float32[np.ndarray, " n"]) -> Mask:
    if all(mask is window[0] for mask in window):
        return window[0]
    total = np.zeros_like(window[0])
    for mask, weight in zip(window, weights, strict=True):
        total += weight * mask
    return total


class ChangedMasks:
    """A mask source: the masks of another one, each changed by a function of it alone. `name` is the function's."""

    def __init__(self, source: MaskSource, change: Callable[[Mask], Mask], name: str) -> None:
        self._source, self._change, self._name = source, change, name
        self._fields = False

    @property
    def finding(self) -> Finding:
        """The other's."""
        return self._source.finding

    def identity(self) -> dict[str, Any]:
        """The other's, and the change."""
        return {"mask": {**self._source.identity(), "changed": self._name}}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """The other's."""
        self._fields = video.fields
        return self._source.analyse(video, kept)

    def masks(self, start: int) -> Iterator[Mask]:
        """The changed masks; the same array again where the other's is the same."""
        last: list[tuple[Mask, Mask]] = []
        for mask in self._source.masks(start):
            known = next((made for before, made in last if before is mask), None)
            if known is None:
                known = self._changed(mask)
                # Of fields, masks come by turns.
                last = [*last[-1:], (mask, known)]
            yield known

    def _changed(self, mask: Mask) -> Mask:
        if not self._fields:
            return self._change(mask)
        # A field has half the lines, and a pixel is to be as high as it is wide.
        return np.ascontiguousarray(self._change(mask.repeat(2, axis=0))[::2])
