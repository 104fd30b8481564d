"""Processes that treat each frame by itself, with its mask: how their frames are dealt out."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count

import numpy as np

from mlx_vader.arrays import Mask
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Chunk, Edit, Packed, Patch, SourceFrame


def framewise(
    frames: Iterable[SourceFrame],
    masks: MaskSource,
    carry: Packed,
    patches: Callable[[SourceFrame, Mask, int], list[Patch]],
) -> Iterator[Chunk]:
    """See `Process.chunks`. `patches` makes those of a frame from its mask and its number in the video."""
    position = int(carry["position"]) if carry else 0
    numbered = zip(frames, masks.masks(position), count(position), strict=False)
    for frame, mask, number in numbered:
        edit = Edit(frame, partial(patches, frame, mask, number), mask)
        yield Chunk([edit], partial(_packed, number + 1))


def _packed(position: int) -> Packed:
    return {"position": np.array(position)}
