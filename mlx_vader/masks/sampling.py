"""Frames that are spread over a video, without reading more of it than that takes."""

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import UInt8

from mlx_vader.process import SourceFrame, Video

#: Frames nearer to each other than this are read in one go: seeking would decode as many.
READ_THROUGH = 48


def places(frames: int, count: int) -> list[int]:
    """The numbers of up to `count` frames of so many, the first and the last among them."""
    return np.unique(np.linspace(0, frames - 1, min(count, frames)).round().astype(int)).tolist()


def sampled(video: Video, wanted: list[int]) -> Iterator[tuple[int, SourceFrame]]:
    """The frame at each of the places, which rise, with its number.

    Instead of a damaged one comes the next whole frame, if there is one before the next place.
    """
    near = len(wanted) > 1 and (wanted[-1] - wanted[0]) / (len(wanted) - 1) <= READ_THROUGH
    groups = [wanted] if near else [[place] for place in wanted]
    for group in groups:
        stop = group[-1] + 1 if near else min(group[-1] + READ_THROUGH, video.frames)
        yield from _picked(video.read(group[0], stop), group)


def _picked(frames: Iterator[SourceFrame], wanted: list[int]) -> Iterator[tuple[int, SourceFrame]]:
    left, damaged = iter(wanted), None
    place = next(left, None)
    for number, frame in enumerate(frames, start=wanted[0]):
        if place is None:
            return
        if number < place:
            continue
        if frame.damaged:
            damaged = number, frame
            continue
        damaged = None
        yield number, frame
        # Places that were passed over with damaged frames are not made up for.
        place = next((later for later in left if later > number), None)
    if damaged is not None and place is not None:
        yield damaged


def reduced(levels: UInt8[np.ndarray, "h w 3"], most: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    """The picture with at most so many pixels."""
    height, width = levels.shape[:2]
    size = reduced_size(height, width, most)
    if size == (height, width):
        return levels
    return cv2.resize(levels, size[::-1], interpolation=cv2.INTER_AREA)


def reduced_size(height: int, width: int, most: int) -> tuple[int, int]:
    """Height and width of the picture that `reduced` makes of one of this size."""
    scale = min(1.0, (most / (height * width)) ** 0.5)
    return max(1, round(height * scale)), max(1, round(width * scale))
