"""Clips out of videos: stretches decoded at random places, without repeated frames, cropped and scaled."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from mlx_vader.errors import VaderError
from mlx_vader.levels import to_levels
from mlx_vader.resizing import resize
from mlx_vader.video import open_video, probe

#: Frames that are decoded and kept at once; a clip starts somewhere in them.
STRETCH = 16
#: Stretches are kept with a shorter side of at most so many pixels: smaller in memory, and cleaner than the file.
SHORTER_SIDE = 540
#: Source pixels in an output pixel, as far as the video allows.
LARGEST_SCALE = 2.0
#: Two frames that differ by less on average, in 1/255, are one frame that was stored twice.
SAME = 0.15


@dataclass(frozen=True)
class Stretch:
    """The frames of `path` among which a clip starts: `start` up to, not including, `stop`."""

    path: Path
    start: int
    stop: int


def stretches(path: Path) -> list[Stretch]:
    """A video in stretches of 16 to 31 frames (one shorter stretch for a short video). Reads its head only.

    Raises VaderError for what is no video, or holds no frame.
    """
    info = probe(path)
    frames = info.frames if info.frames is not None else int(info.duration * info.frame_rate)
    if frames < 1:
        raise VaderError(f"{path} holds no frame", hint="truncated, or not finished")
    count = max(1, frames // STRETCH)
    stops = [STRETCH * (index + 1) for index in range(count - 1)] + [frames]
    return [Stretch(path, start, stop) for start, stop in pairwise([0, *stops])]


def decode(stretch: Stretch, extra: int) -> UInt8[np.ndarray, "t h w 3"]:
    """The frames of a stretch and of the `extra` frames after it, each once though it were stored twice.

    Damaged ones are left out.

    Raises VaderError when nothing can be decoded there.
    """
    kept: list[np.ndarray] = []
    with open_video(stretch.path, stretch.start, stretch.stop + extra) as video:
        for frame in video:
            if frame.damaged:
                continue
            picture = _reduced(to_levels(frame.rgb))
            if not kept or _differ(kept[-1], picture):
                kept.append(picture)
    if not kept:
        raise VaderError(f"{stretch.path} holds no frame at {stretch.start}", hint="truncated?")
    return np.stack(kept)


def clip_from_stretch(
    frames: UInt8[np.ndarray, "n h w 3"], rng: np.random.Generator, length: int, size: int
) -> UInt8[np.ndarray, "t size size 3"]:
    """A random piece of a stretch, cropped, scaled down by up to 2; mirrored in time where it is too short."""
    first = int(rng.integers(max(len(frames) - length, 0) + 1))
    chosen = frames[first:][mirrored(min(len(frames) - first, length), length)]
    height, width = frames.shape[1:3]
    largest = min(LARGEST_SCALE, min(height, width) / size)
    # One clip in four keeps the pixels as they are.
    native = largest < 1 or rng.random() < 0.25
    side = min(size, height, width) if native else int(size * rng.uniform(1, largest))
    left, top = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
    pieces = chosen[:, top : top + side, left : left + side]
    if side == size:
        return np.ascontiguousarray(pieces)
    return np.stack([resize(piece, size, size) for piece in pieces])


def mirrored(count: int, length: int) -> Int[np.ndarray, " length"]:
    """Indices 0 … count−1 and back again, for as long as `length`: time turns round at the ends."""
    period = max(2 * (count - 1), 1)
    steps = np.arange(length) % period
    return np.minimum(steps, period - steps) if count > 1 else np.zeros(length, dtype=np.int64)


def _differ(before: UInt8[np.ndarray, "h w 3"], after: UInt8[np.ndarray, "h w 3"]) -> bool:
    # Every fourth pixel tells as much as all of them.
    if before.shape != after.shape:
        return True
    change = before[::4, ::4].astype(np.int16) - after[::4, ::4]
    return float(np.abs(change).mean()) >= SAME


def _reduced(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    height, width = picture.shape[:2]
    factor = SHORTER_SIDE / min(height, width)
    if factor >= 1:
        return picture
    return resize(picture, round(height * factor), round(width * factor))
