"""Frames that are spread over a whole video: what lies seconds apart, as whoever looks for marks samples it."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from mlx_vader.data.footage import Stretch, clip_from_stretch, decode
from mlx_vader.errors import VaderError
from mlx_vader.video import probe

#: Frames of a video that are kept.
KEPT = 72
#: A clip is of at least this share of the video.
SHORTEST = 0.4


def spread_clip(
    path: Path, rng: np.random.Generator, length: int, size: int
) -> UInt8[np.ndarray, "t size size 3"]:
    """`length` frames, evenly spread over a part of a video, cropped and scaled alike. Raises VaderError."""
    frames = spread_frames(path)
    stop = max(1, round(len(frames) * rng.uniform(SHORTEST, 1)))
    start = int(rng.integers(len(frames) - stop + 1))
    places = np.linspace(start, start + stop - 1, length).round().astype(int)
    return clip_from_stretch(frames[places], rng, length, size)


@lru_cache(maxsize=8)
def spread_frames(path: Path) -> UInt8[np.ndarray, "n h w 3"]:
    """Up to `KEPT` different frames, evenly spread over a video. Raises VaderError where none can be decoded."""
    count = probe(path).frames
    if not count:
        raise VaderError(f"{path} does not say how many frames it has", hint="remux it")
    frames = decode(Stretch(path, 0, count), 0)
    return frames[np.unique(np.linspace(0, len(frames) - 1, min(KEPT, len(frames))).round().astype(int))]
