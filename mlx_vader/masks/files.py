"""A user's own masks: an image for all frames, a video or animation frame by frame, or a folder of images by name.

White (above one half) is artifact. What is transparent is not; a shape of one tone on transparency is artifact where
it is opaque, whatever its colour. Who draws a mask says where a mark ends; a mask that was found may miss a mark's rim,
and its file says so.
"""

import os
from collections.abc import Iterator
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import Frame, Mask
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.identity import identity
from mlx_vader.process import Finding, Packed, Video
from mlx_vader.video import is_image, is_video, list_media, open_image, open_video, probe

#: The comment of a file with masks that were found.
FOUND = "marks that vader-mlx found"

#: How much the shapes of mask and frame may differ before it is taken for a mistake.
_SAME_SHAPE = 0.02


class FileMasks:
    """The masks in a file or folder."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Raises UsageError for what is neither an image, nor a video, nor a folder."""
        self.path = Path(path)
        self._video: Video | None = None
        if not self.path.exists():
            raise UsageError(
                f"the mask {self.path} does not exist", hint="an image, a video or a folder of images"
            )
        if not (self.path.is_dir() or is_image(self.path) or is_video(self.path)):
            raise UsageError(f"{self.path} is no mask", hint="an image, a video or a folder of images")

    @cached_property
    def finding(self) -> Finding:
        """Whether the masks were drawn, "told", or found."""
        return Finding("found" if _comment(self.path) == FOUND else "told")

    def of(self, source: Path, root: Path | None) -> "FileMasks":
        """The masks for one file: in a folder the file or folder of its name, else these.

        In a folder job, which has a `root`, each file needs masks of its own: raises VaderError where there are none.
        """
        if not self.path.is_dir():
            return FileMasks(self.path)
        relative = source.relative_to(root) if root is not None else Path(source.name)
        folder = self.path / relative.parent
        for candidate in sorted(folder.iterdir()) if folder.is_dir() else ():
            named = candidate.name if candidate.is_dir() else candidate.stem
            if named == relative.stem and (candidate.is_dir() or is_image(candidate) or is_video(candidate)):
                return FileMasks(candidate)
        if root is None:
            return FileMasks(self.path)
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
        """White on black; None for the same as before."""
        if is_image(self.path):
            images = _read(self.path)
            if len(images) > 1:
                yield from images[start:]
            else:
                yield images[0]
                yield from repeat(None)
        elif self.path.is_dir():
            paths = [path for path in list_media(self.path) if is_image(path)]
            yield from (_read(path)[0] for path in paths[start:])
        else:
            with open_video(self.path, start) as video:
                for frame in video:
                    yield white_on_black(frame.rgb, frame.alpha)


def _comment(path: Path) -> str:
    """What a file, or the first image of a folder, says of itself."""
    if path.is_dir():
        first = next((image for image in list_media(path) if is_image(image)), None)
        return _comment(first) if first is not None else ""
    return open_image(path).metadata.text.get("Comment", "") if is_image(path) else probe(path).comment


def _read(path: Path) -> list[Frame]:
    image = open_image(path)
    return [white_on_black(*pair) for pair in zip(image.frames, image.alphas, strict=True)]


def white_on_black(colours: Frame, alpha: Float32[np.ndarray, "h w"] | None) -> Frame:
    """A drawing on transparency as a mask without: artifact is white."""
    if alpha is None or (alpha > 0.5).all():
        return colours
    opaque = alpha > 0.5
    bright = colours.mean(axis=-1)[opaque] > 0.5
    # Of one tone, it says nothing but where it is.
    shown = colours if bright.any() and not bright.all() else np.ones_like(colours)
    return np.where(opaque[..., None], shown, np.float32(0))


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
