"""A user's own masks: an image for all frames, a video frame by frame, or a folder of images in the order of names.

White (above one half) is artifact.
"""

import os
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import Frame, Mask
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.identity import identity
from mlx_vader.process import Finding, Packed, Video
from mlx_vader.video import is_image, is_video, list_media, open_video, read_image

#: How much the shapes of mask and frame may differ before it is taken for a mistake.
_SAME_SHAPE = 0.02


class FileMasks:
    """The masks in a file or folder."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises UsageError for what is neither an image, nor a video, nor a folder."""
        self.path = Path(path)
        self.finding = Finding("told")
        self._video: Video | None = None
        if not self.path.exists():
            raise UsageError(
                f"the mask {self.path} does not exist", hint="an image, a video or a folder of images"
            )
        if not (self.path.is_dir() or is_image(self.path) or is_video(self.path)):
            raise UsageError(f"{self.path} is no mask", hint="an image, a video or a folder of images")

    def of(self, source: Path, root: Path | None) -> "FileMasks":
        """The masks for one file of a folder job: the file of the same name in a mask folder, else these."""
        if root is None or not self.path.is_dir():
            return FileMasks(self.path)
        relative = source.relative_to(root)
        folder = self.path / relative.parent
        for candidate in sorted(folder.iterdir()) if folder.is_dir() else ():
            if candidate.stem == relative.stem and (
                candidate.is_dir() or is_image(candidate) or is_video(candidate)
            ):
                return FileMasks(candidate)
        raise VaderError(
            f"{self.path} holds no mask for {relative}", hint=f"an image or a video called {relative.stem}"
        )

    def identity(self) -> dict[str, Any]:
        """What the file holds."""
        return {"mask": identity(self.path)}

    def analyse(self, video: Video, kept: Packed) -> Iterator[Packed]:
        """Remembers the size of the frames. Raises VaderError where the first mask has another shape."""
        self._video = video
        next(self.masks(0))
        return iter(())

    def masks(self, start: int) -> Iterator[Mask]:
        """See `MaskSource`. Raises VaderError when there are fewer masks than frames or their shape is another."""
        video = self._video
        if video is None:
            raise RuntimeError("analyse runs first")
        if not video.fields:
            yield from self._whole(start, video.height, video.width)
            return
        frames = self._whole(start // 2, 2 * video.height, video.width)
        for number, mask in enumerate(_in_fields(frames, video.top_first)):
            if number >= start % 2:
                yield mask

    def _whole(self, start: int, height: int, width: int) -> Iterator[Mask]:
        for image in self._images(start):
            if image is not None:
                mask = fit_mask(image, height, width, self.path)
            yield mask
        raise VaderError(
            f"the mask {self.path} ends before the video does",
            hint="one mask for each frame, or one image for all",
        )

    def _images(self, start: int) -> Iterator[Frame | None]:
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


def _in_fields(masks: Iterator[Mask], top_first: bool) -> Iterator[Mask]:
    """The lines of each mask that lie in the first and in the second field of its frame."""
    before: Mask | None = None
    fields: tuple[Mask, ...] = ()
    for mask in masks:
        if mask is not before:
            before = mask
            upper, lower = (np.ascontiguousarray(mask[first::2]) for first in (0, 1))
            fields = (upper, lower) if top_first else (lower, upper)
        yield from fields


def fit_mask(mask: Frame, height: int, width: int, path: Path) -> Float32[np.ndarray, "{height} {width} 1"]:
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
