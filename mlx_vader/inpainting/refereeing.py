"""Which fill does best on a video: each is tried beside the holes, where the truth shows."""

from collections.abc import Iterator, Sequence

import numpy as np

from mlx_vader.arrays import Frame, Pixels
from mlx_vader.boxes import Box
from mlx_vader.inpainting.fill import find_fill
from mlx_vader.inpainting.fill.coded import with_fringe
from mlx_vader.inpainting.propagation.sham import sham_of
from mlx_vader.masks.source import MaskSource
from mlx_vader.process import Video

#: Frames that are looked at, spread over the video, and pixels around a hole in which a sham finds room.
LOOKS, ROOM = 8, 96
#: A fill is clearly better whose squared error is smaller by a quarter, its logarithm by so much: then none of 72 holes
#: in training clips was filled worse than by the first.
CLEARLY = 0.3
#: Squared errors, of colours in [0, 1], below this are all as good.
GOOD = (1 / 255) ** 2


def best_fill(video: Video, masks: MaskSource, names: Sequence[str]) -> int:
    """Which of the fills called `names` misses least; the first where none is clearly better."""
    missed = [
        [_missed(crop, hole, sham, name) for name in names] for crop, hole, sham in _shams(video, masks)
    ]
    if not missed:
        return 0
    # By ratio, so that a place of much texture has no more say than another.
    errors = np.mean(np.log(np.add(missed, GOOD)), axis=0)
    best = int(errors.argmin())
    return best if errors[best] < errors[0] - CLEARLY else 0


def _shams(video: Video, masks: MaskSource) -> Iterator[tuple[Frame, Pixels, Pixels]]:
    """Crops around holes, with the hole and its sham."""
    numbers = np.unique(np.linspace(0, video.frames - 1, LOOKS).round().astype(int))
    whole = Box(0, 0, video.height, video.width)
    for number in numbers:
        mask = next(masks.masks(int(number)), None)
        frame = next(iter(video.read(int(number), int(number) + 1)), None)
        if mask is None or frame is None or not mask.any():
            continue
        box = Box.around(mask[..., 0] > 0).grown(ROOM, ROOM).within(whole)
        hole = mask[box.rows, box.columns, 0] > 0
        sham = sham_of(hole, with_fringe(hole))
        if sham is not None:
            yield frame.region(box), hole, sham


def _missed(crop: Frame, hole: Pixels, sham: Pixels, name: str) -> float:
    """The mean squared error of a fill in the sham."""
    both = (hole | sham)[None, ..., None].astype(np.float32)
    filled = find_fill(name).fill(crop[None], both, None)[0]
    return float(np.square(filled - crop)[sham].mean())
