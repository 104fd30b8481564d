"""Clips out of photographs: a camera moves before them, sometimes with something nearer passing by."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from mlx_vader.data.camera import CameraPath, camera_path, pan
from mlx_vader.errors import VaderError

#: Photographs are kept at most this long: training crops are far smaller.
LONGEST_SIDE = 1600
#: Frames are sampled at so many times their size, bicubic, and reduced by a Lanczos filter.
OVERSAMPLING = 2
#: Source pixels in an output pixel, as far as the photograph allows.
SMALLEST_SCALE, LARGEST_SCALE = 1.0, 3.0
PARALLAX_SHARE = 0.4
#: Source pixels kept free beside every frame, so that no filter ever reaches over the photograph's edge.
MARGIN = 3.0


def load_still(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """A photograph, upright, at most 1600 pixels long. Raises VaderError when it cannot be decoded."""
    try:
        with Image.open(path) as file:
            # JPEG decodes straight to about the size that is kept.
            file.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            image = ImageOps.exif_transpose(file).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise VaderError(f"{path} cannot be read: {error}", hint="damaged, or not an image") from error
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def check_still(path: Path) -> None:
    """Reads the header only. Raises VaderError for what is no image or has fewer than 16 pixels on a side."""
    try:
        with Image.open(path) as file:
            side = min(file.size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise VaderError(f"{path} cannot be read: {error}", hint="damaged, or not an image") from error
    if side < 16:
        raise VaderError(f"{path} is only {side} pixels wide or high", hint="16 are the least")


def clip_from_still(
    still: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator, length: int, size: int
) -> UInt8[np.ndarray, "t size size 3"]:
    """`length` frames of a camera moving before `still`. Every pixel comes from the photograph: no borders."""
    image = Image.fromarray(still)
    path = camera_path(rng, length, size)
    near = path.pushed(pan(rng, length, size)) if rng.random() < PARALLAX_SHARE else None
    scale = _scale(rng, image.size, [path] if near is None else [path, near], size)
    frames = _Layer(image, path, scale, size, rng).frames()
    if near is not None:
        layer = _Layer(image, near, scale, size, rng)
        frames = [
            Image.composite(front, back, shape)
            for front, back, shape in zip(layer.frames(), frames, layer.shapes(rng), strict=True)
        ]
    return np.stack([np.asarray(frame.resize((size, size), Image.Resampling.LANCZOS)) for frame in frames])


class _Layer:
    """One plane with a piece of the photograph, and the camera before it."""

    def __init__(
        self, image: Image.Image, path: CameraPath, scale: float, size: int, rng: np.random.Generator
    ) -> None:
        low, high = _extent(path, size)
        spare = np.array(image.size) - 2 * MARGIN - (high - low) * scale
        corner = MARGIN + rng.random(2) * np.maximum(spare, 0)
        # The part of the photograph that the camera sees, resized once to what the frames are sampled at.
        self.side = OVERSAMPLING * size
        start = np.clip(np.floor(corner - MARGIN), 0, image.size)
        stop = np.clip(np.ceil(corner + (high - low) * scale + MARGIN), 0, image.size)
        width, height = np.round((stop - start) * min(OVERSAMPLING / scale, 1)).astype(int).tolist()
        self.plane = image.resize((width, height), Image.Resampling.LANCZOS, box=(*start, *stop))
        self._to_plane = np.array([width, height]) / (stop - start)
        self._origin = (corner - low * scale - start) * self._to_plane
        self._maps = path.matrices()
        self._scale = scale
        self._size = size

    def frames(self) -> list[Image.Image]:
        return [self._warped(self.plane, index) for index in range(len(self._maps))]

    def shapes(self, rng: np.random.Generator) -> list[Image.Image]:
        """The outline of something near, fixed to this plane, as a soft-edged mask for every frame."""
        outline = _outline(rng, self._size) * self._scale * self._to_plane + self._origin
        mask = Image.new("L", self.plane.size)
        ImageDraw.Draw(mask).polygon([tuple(point) for point in outline], fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.0)))
        return [self._warped(mask, index) for index in range(len(self._maps))]

    def _warped(self, plane: Image.Image, index: int) -> Image.Image:
        """The plane as frame `index` sees it, at OVERSAMPLING times the output size."""
        # Plane = origin + (scale · A · (pixel / OVERSAMPLING − size / 2) + scale · b) in plane pixels.
        linear = self._maps[index, :, :2] * (self._scale * self._to_plane)[:, None]
        shift = self._maps[index, :, 2] * self._scale * self._to_plane + self._origin
        shift = shift - linear @ np.full(2, self._size / 2)
        linear = linear / OVERSAMPLING
        data = (*linear[0], shift[0], *linear[1], shift[1])
        return plane.transform((self.side, self.side), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)


def _extent(path: CameraPath, size: int) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """The box around everything that the camera sees, in output pixels around the middle of its path."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size / 2
    maps = path.matrices()
    seen = np.einsum("tij,cj->tci", maps[:, :, :2], corners) + maps[:, None, :, 2]
    return seen.min(axis=(0, 1)), seen.max(axis=(0, 1))


def _scale(
    rng: np.random.Generator, image_size: tuple[int, int], paths: list[CameraPath], size: int
) -> float:
    """Source pixels in an output pixel: random, and small enough that every path stays in the photograph."""
    room = np.maximum(np.array(image_size) - 2 * MARGIN, 1)
    largest = min(float((room / (high - low)).min()) for low, high in (_extent(path, size) for path in paths))
    if largest <= SMALLEST_SCALE:
        return largest
    return float(np.exp(rng.uniform(np.log(SMALLEST_SCALE), np.log(min(largest, LARGEST_SCALE)))))


def _outline(rng: np.random.Generator, size: int) -> Float[np.ndarray, "points 2"]:
    """A closed random curve around a point near the picture's middle, in output pixels from the middle."""
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    waves = sum(rng.normal(0, 0.35 / k) * np.cos(k * turn + rng.uniform(0, 2 * np.pi)) for k in range(1, 6))
    radius = rng.uniform(0.12, 0.4) * size * np.clip(1 + waves, 0.2, 2)
    stretch = np.array([1.0, rng.uniform(0.5, 1.6)])
    return (
        radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], -1) * stretch
        + rng.uniform(-0.35, 0.35, 2) * size
    )
