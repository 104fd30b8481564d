"""Clips out of photographs: a camera moves before them, sometimes with something nearer passing by."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from mlx_vader.data.camera import CameraPath, camera_path, pan
from mlx_vader.errors import VaderError
from mlx_vader.video.files import check_source

#: What Pillow raises for a file that it cannot read.
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
#: Photographs are kept at most this long: training crops are far smaller.
LONGEST_SIDE = 1600
#: Frames are sampled at so many times their size, bicubic, and reduced by a Lanczos filter.
OVERSAMPLING = 2
#: Source pixels in an output pixel, as far as the photograph allows.
SMALLEST_SCALE, LARGEST_SCALE = 1.0, 3.0
PARALLAX_SHARE = 0.4
#: Source pixels kept free beside every frame, so that no filter ever reaches over the photograph's edge.
MARGIN = 3.0


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A picture, to be decoded inside the `with`. Raises VaderError when it cannot be read or decoded."""
    try:
        with Image.open(check_source(path)) as file:
            yield file
    except UNREADABLE as error:
        raise VaderError(f"{path} cannot be read: {error}", hint="damaged, or not an image") from error


def load_still(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """A photograph, upright, at most 1600 pixels long. Raises VaderError when it cannot be decoded."""
    with opened(path) as file:
        # JPEG decodes straight to about the size that is kept.
        file.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        image = ImageOps.exif_transpose(file).convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def check_still(path: Path) -> None:
    """Reads the header only. Raises VaderError for what is no image or has fewer than 16 pixels on a side."""
    with opened(path) as file:
        side = min(file.size)
    if side < 16:
        raise VaderError(f"{path} is only {side} pixels wide or high", hint="16 are the least")


def clip_from_still(
    still: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator, length: int, size: int
) -> UInt8[np.ndarray, "t size size 3"]:
    """`length` frames of a camera moving before `still`. Every pixel comes from the photograph: no borders."""
    path = camera_path(rng, length, size)
    near = path.pushed(pan(rng, length, size)) if rng.random() < PARALLAX_SHARE else None
    plane = _Plane(Image.fromarray(still), [path] if near is None else [path, near], size, rng)
    frames = plane.filmed(path)
    if near is not None:
        # What is inside the outline stands nearer: it moves more, and covers and uncovers what is behind it.
        outline = plane.outline(rng)
        frames = [
            Image.composite(plane.seen(plane.picture, matrix), frame, plane.seen(outline, matrix))
            for frame, matrix in zip(frames, near.matrices(), strict=True)
        ]
    return np.stack([np.asarray(frame.resize((size, size), Image.Resampling.LANCZOS)) for frame in frames])


class _Plane:
    """The part of a photograph that cameras on some paths see, at the density at which frames are sampled."""

    def __init__(
        self, image: Image.Image, paths: list[CameraPath], size: int, rng: np.random.Generator
    ) -> None:
        low, high = _extent(paths, size)
        room = np.maximum(np.array(image.size) - 2 * MARGIN, 1)
        scale = _scale(rng, float((room / (high - low)).min()))
        corner = _busier(rng, image, (high - low) * scale, np.maximum(room - (high - low) * scale, 0))
        start = np.clip(np.floor(corner - MARGIN), 0, image.size)
        stop = np.clip(np.ceil(corner + (high - low) * scale + MARGIN), 0, image.size)
        width, height = np.round((stop - start) * min(OVERSAMPLING / scale, 1)).astype(int).tolist()
        self.picture = image.resize((width, height), Image.Resampling.LANCZOS, box=(*start, *stop))
        # A point in output pixels, counted from the middle of the paths, lies at origin + density · point.
        self._density = scale * np.array([width, height]) / (stop - start)
        self._origin = (corner - low * scale - start) / scale * self._density
        self._size = size

    def filmed(self, path: CameraPath) -> list[Image.Image]:
        """What a camera on the path sees, frame by frame; from a tripod, that is one picture."""
        matrices = path.matrices()
        if (matrices == matrices[0]).all():
            return [self.seen(self.picture, matrices[0])] * len(matrices)
        return [self.seen(self.picture, matrix) for matrix in matrices]

    def seen(self, picture: Image.Image, matrix: Float[np.ndarray, "2 3"]) -> Image.Image:
        """`picture`, which lies in this plane, through the camera, at OVERSAMPLING times the output size."""
        linear = matrix[:, :2] * self._density[:, None]
        shift = self._origin + matrix[:, 2] * self._density - linear @ np.full(2, self._size / 2)
        linear = linear / OVERSAMPLING
        side = OVERSAMPLING * self._size
        data = (*linear[0], shift[0], *linear[1], shift[1])
        return picture.transform((side, side), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)

    def outline(self, rng: np.random.Generator) -> Image.Image:
        """A random closed shape around a point near the middle of the plane, 255 inside, with a soft edge."""
        turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
        waves = sum(
            rng.normal(0, 0.35 / k) * np.cos(k * turn + rng.uniform(0, 2 * np.pi)) for k in range(1, 6)
        )
        radius = rng.uniform(0.15, 0.5) * self._size * np.clip(1 + waves, 0.2, 2)
        points = radius[:, None] * np.stack([np.cos(turn), np.sin(turn) * rng.uniform(0.5, 1.6)], axis=-1)
        points = points + rng.uniform(-0.35, 0.35, 2) * self._size
        mask = Image.new("L", self.picture.size)
        ImageDraw.Draw(mask).polygon(
            [tuple(point) for point in points * self._density + self._origin], fill=255
        )
        return mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.0)))


def _extent(paths: list[CameraPath], size: int) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """The box around everything that the cameras see, in output pixels around the middle of their paths."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size / 2
    maps = np.concatenate([path.matrices() for path in paths])
    seen = np.einsum("tij,cj->tci", maps[:, :, :2], corners) + maps[:, None, :, 2]
    return seen.min(axis=(0, 1)), seen.max(axis=(0, 1))


def _busier(
    rng: np.random.Generator,
    image: Image.Image,
    extent: Float[np.ndarray, "2"],
    spare: Float[np.ndarray, "2"],
) -> Float[np.ndarray, "2"]:
    """Where a box of `extent` lies: of two random places the one with more to see, so that skies don't prevail."""
    corners = MARGIN + rng.random((2, 2)) * spare
    tiny = [
        image.resize((16, 16), Image.Resampling.BOX, box=(*corner, *(corner + extent))) for corner in corners
    ]
    return corners[int(np.argmax([np.asarray(part).std(axis=(0, 1)).mean() for part in tiny]))]


def _scale(rng: np.random.Generator, largest: float) -> float:
    """Source pixels in an output pixel: random, and never more than the photograph has room for."""
    if largest <= SMALLEST_SCALE:
        return largest
    return float(np.exp(rng.uniform(np.log(SMALLEST_SCALE), np.log(min(largest, LARGEST_SCALE)))))
