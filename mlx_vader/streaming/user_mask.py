"""A user's own mask: it tells the network where to look, and its work counts inside it alone.

White (above one half) is artifact. The network's work counts in full up to 2 pixels around the mask, because hand-drawn
masks hug the mark, and fades out over 2 more; pixels further than `REACH` from the mask are left exactly as they are.
"""

import os
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from mlx_vader.backends.base import Backend
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.masks import along_both, with_hint
from mlx_vader.video import is_image, is_video, list_media, open_video, read_image

_GROWN, _BLURRED = 3, 1
#: Pixels around the mask that may change.
REACH = _GROWN + _BLURRED

#: How much the shapes of mask and frame may differ before it is taken for a mistake.
_SAME_SHAPE = 0.02

Alpha = Float32[np.ndarray, "h w 1"]


class Mark(NamedTuple):
    """One frame's mask, 0 or 1, and how much of the network to take."""

    mask: Float32[np.ndarray, "h w 1"]
    alpha: Alpha

    @classmethod
    def of(cls, mask: Float32[np.ndarray, "h w 1"]) -> "Mark":
        """The mark of a binary mask."""
        return cls(mask, feathered(mask))


class UserMask:
    """A mask for each frame: one image for all, a video frame by frame, or a folder of images in the order of names."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise UsageError(
                f"the mask {self.path} does not exist", hint="an image, a video or a folder of images"
            )
        if not (self.path.is_dir() or is_image(self.path) or is_video(self.path)):
            raise UsageError(f"{self.path} is no mask", hint="an image, a video or a folder of images")

    def marks(self, height: int, width: int, start: int = 0) -> Iterator[Mark]:
        """The masks of frame `start` and the following ones, at the frames' size.

        Raises VaderError when there are fewer masks than frames or their shape is another.
        """
        for image in self._images(start):
            if image is not None:
                mask = fitted(image, height, width, self.path)
                mark = Mark.of(mask)
            yield mark
        raise VaderError(
            f"the mask {self.path} ends before the video does",
            hint="one mask for each frame, or one image for all",
        )

    def _images(self, start: int) -> Iterator[Float32[np.ndarray, "h w 3"] | None]:
        """RGB masks; None for the same as before."""
        if is_image(self.path):
            yield read_image(self.path)
            yield from repeat(None)
        elif self.path.is_dir():
            images = [path for path in list_media(self.path) if is_image(path)]
            yield from map(read_image, images[start:])
        else:
            with open_video(self.path, start) as video:
                for frame in video:
                    yield frame.rgb

    def of(self, source: Path, root: Path | None) -> "UserMask":
        """The mask for one file of a folder job: the file of the same name in a mask folder, else this mask."""
        if root is None or not self.path.is_dir():
            return self
        relative = source.relative_to(root)
        folder = self.path / relative.parent
        for candidate in sorted(folder.iterdir()) if folder.is_dir() else ():
            if candidate.stem == relative.stem and (
                candidate.is_dir() or is_image(candidate) or is_video(candidate)
            ):
                return UserMask(candidate)
        raise VaderError(
            f"{self.path} holds no mask for {relative}", hint=f"an image or a video called {relative.stem}"
        )


def fitted(
    mask: Float32[np.ndarray, "h w 3"], height: int, width: int, path: Path
) -> Float32[np.ndarray, "h2 w2 1"]:
    """0 or 1 at the frames' size, by the nearest pixel. Raises VaderError for a mask of another shape."""
    binary = (mask.mean(axis=-1, keepdims=True) > 0.5).astype(np.float32)
    if mask.shape[:2] == (height, width):
        return binary
    if abs(mask.shape[1] * height / (mask.shape[0] * width) - 1) > _SAME_SHAPE:
        raise VaderError(
            f"the mask {path} is {mask.shape[1]}x{mask.shape[0]}, the frames are {width}x{height}",
            hint="draw the mask on a frame of this video",
        )
    rows = (np.arange(height) * 2 + 1) * mask.shape[0] // (2 * height)
    columns = (np.arange(width) * 2 + 1) * mask.shape[1] // (2 * width)
    return binary[rows][:, columns]


def feathered(mask: Float32[np.ndarray, "h w 1"]) -> Alpha:
    """A binary mask grown and blurred: exactly 1 where the network counts alone, exactly 0 out of reach."""
    grown = along_both(mask, _GROWN, np.maximum)
    return along_both(grown, _BLURRED, np.add) / np.float32((2 * _BLURRED + 1) ** 2)


def seen(
    frame: Float32[np.ndarray, "h w 3"], mark: Mark | None, backend: Backend
) -> Float32[np.ndarray, "h w c"]:
    """The frame as the network is to see it: with a hint, where there is a mask and it takes one."""
    if mark is None or not backend.takes_hint:
        return frame
    return with_hint(frame[None], mark.mask[None])[0]


def blend(
    frame: Float32[np.ndarray, "h w 3"], restored: Float32[np.ndarray, "h w 3"], alpha: Alpha
) -> Float32[np.ndarray, "h w 3"]:
    """`restored` where alpha is 1; the frame, bit for bit, where it is 0."""
    return frame + alpha * (restored - frame)
