"""Videos that are drawn frame by frame, with letters of OpenCV's: composed by other code than what looks at them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from mlx_vader.video import VideoFrame


@dataclass
class Drawn:
    """See `mlx_vader.process.Video`. `picture(number)` gives levels; `reads`: what was read."""

    picture: Callable[[int], np.ndarray]
    frames: int
    height: int = 180
    width: int = 320
    fields: bool = False
    top_first: bool = True
    reads: list = field(default_factory=list)

    def read(self, start: int, stop: int) -> Iterator[VideoFrame]:
        self.reads.append((start, stop))
        for number in range(start, min(stop, self.frames)):
            noise = np.random.default_rng(number).normal(0, 1.5, (self.height, self.width, 3))
            levels = (self.picture(number) + noise).clip(0, 255)
            yield VideoFrame.of_rgb((levels / 255).astype(np.float32), index=number)


def texture(size: tuple[int, int], *, left: int, seed: int = 0) -> np.ndarray:
    """Smooth coarse noise, levels, seen from `left` pixels further to the right."""
    random = np.random.default_rng(seed)
    small = random.integers(20, 200, (12, 120, 3)).astype(np.uint8)
    wide = cv2.resize(small, (12 * 120, size[0]), interpolation=cv2.INTER_CUBIC)
    return wide[:, left : left + size[1]].copy()


def bands(size: tuple[int, int], *, left: int) -> np.ndarray:
    """Upright bands."""
    columns = np.arange(size[1]) + left
    return np.repeat((60 + 40 * np.sin(columns / 9))[None, :, None], size[0], axis=0).repeat(3, axis=2)


def letters(
    size: tuple[int, int],
    words: str,
    at: tuple[float, float],
    *,
    fill: tuple[int, int, int] = (255, 255, 255),
    outline: int = 2,
    plate: tuple[int, int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours, and where they count: letters that begin `at` shares of the width and the height."""
    ink, alpha = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    place = round(at[0] * size[1]), round(at[1] * size[0])
    scale, width = size[0] / 300, 2
    if plate:
        (across, up), down = cv2.getTextSize(words, cv2.FONT_HERSHEY_DUPLEX, scale, width)
        corners = (place[0] - 6, place[1] - up - 6), (place[0] + across + 6, place[1] + down + 2)
        for image, value in ((ink, plate), (alpha, 255)):
            cv2.rectangle(image, *corners, value, -1)
    for thickness, color in ((width + 2 * outline, (0, 0, 0)), (width, fill)):
        cv2.putText(ink, words, place, cv2.FONT_HERSHEY_DUPLEX, scale, color, thickness, cv2.LINE_8)
        cv2.putText(alpha, words, place, cv2.FONT_HERSHEY_DUPLEX, scale, 255, thickness, cv2.LINE_8)
    return ink, alpha
