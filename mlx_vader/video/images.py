"""Image files in and out: 8 and 16 bits, upright, one picture, pages or an animation, with all that goes with them.

Pillow knows the formats but reads RGB of 16 bits as 8; there FFmpeg decodes. What Pillow cannot write is in
`image_encoding`.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from jaxtyping import Float
from PIL import ExifTags, Image, ImageCms, ImageOps, ImageSequence

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.levels import to_unit
from mlx_vader.video.files import HEIF, check_source, check_target, is_image
from mlx_vader.video.image_encoding import deep_png, png_chunks, tiff
from mlx_vader.video.image_metadata import Metadata, metadata_of, without_directories
from mlx_vader.writing import written_beside

#: FFmpeg's formats of more than 8 bits that PNG and TIFF files hold.
_DEEP_FORMATS = ("rgb48", "rgba64", "gray16", "ya16")
_DEEP = {".png", ".tif", ".tiff"}
_WITH_ALPHA = {".png", ".webp", ".tif", ".tiff", ".avif", *HEIF}
_ANIMATED = {".png", ".webp"}
_TIFF = {".tif", ".tiff"}
_JPEG = {".jpg", ".jpeg"}
#: Bytes of pixels, as floats, that an animation may take: it is restored in memory.
_MOST_BYTES = 4 << 30

#: What Pillow raises where a file is damaged.
_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError, struct.error)


@dataclass(frozen=True, eq=False)
class ImageFile:
    """What an image file holds.

    `frames`: RGB in [0, 1], upright; several are pages, or an animation where there are `durations` (milliseconds).
    `alphas`: the opacity of each in [0, 1], (h, w), or None. `gray`: the file has no colours. `lost`: what of it
    could not be read.
    """

    frames: tuple[np.ndarray, ...]
    alphas: tuple[np.ndarray | None, ...]
    bits: int = 8
    gray: bool = False
    durations: tuple[float, ...] = ()
    loop: int = 0
    lossless: bool = True
    metadata: Metadata = field(default_factory=Metadata)
    lost: tuple[str, ...] = ()

    def losses_in(self, target: Path) -> tuple[str, ...]:
        """What of the pictures is lost in a file of the target's kind, a few words each."""
        suffix, losses = target.suffix.lower(), list(self.lost)
        if suffix not in _WITH_ALPHA and any(alpha is not None for alpha in self.alphas):
            losses.append("alpha")
        if self.bits > 8 and suffix not in _DEEP:
            losses.append(f"{self.bits} bits become 8")
        if len(self.frames) > 1 and suffix not in (_ANIMATED if self.durations else _TIFF):
            losses.append(
                f"{len(self.frames) - 1} of {len(self.frames)} {'frames' if self.durations else 'pages'}"
            )
        return tuple(losses)


def open_image(path: str | os.PathLike[str]) -> ImageFile:
    """All that an image file holds. Raises `VaderError` for what is not an image."""
    path = check_source(path)
    with _opened(path) as image:
        return _read(path, image)


def read_image(path: str | os.PathLike[str]) -> Float[np.ndarray, "h w 3"]:
    """RGB in [0, 1], turned upright as EXIF says, 16 bits where the file (PNG, TIFF) has them; the first of several.

    Alpha is left out: `write_image(..., source=path)` puts it back. Raises `VaderError` for what is not an image.
    """
    frame: np.ndarray = open_image(path).frames[0]
    return frame


def check_image_target(path: str | os.PathLike[str]) -> Path:
    """The path, if an image can be written there. Raises `UsageError`, or `VaderError` where an extra is missing."""
    target = check_target(path)
    if not is_image(target):
        raise UsageError(
            f"{target.name}: no image is written as '{target.suffix}'", hint="use .png, .jpg or .tif"
        )
    if target.suffix.lower() in HEIF:
        load_heif(target)
    return target


def write_image(
    path: str | os.PathLike[str],
    rgb: Float[np.ndarray, "h w 3"],
    *,
    source: str | os.PathLike[str] | None = None,
) -> None:
    """Writes RGB in [0, 1] as the suffix says (PNG, JPEG, WebP, TIFF, BMP, AVIF, HEIC); see `write_images`.

    `source`: the image that this one was made from.
    """
    write_images(path, [rgb], open_image(source) if source is not None else None)


def write_images(
    path: str | os.PathLike[str],
    frames: Sequence[Float[np.ndarray, "_ _ 3"]],
    source: ImageFile | None = None,
) -> None:
    """Writes pages or an animation as the suffix says; the file appears when it is complete.

    With `source`, what they were made from, its metadata and colour profile are kept, its grey, its alpha where the
    format has one and the size is the same, its 16 bits in PNG and TIFF, and when each frame is shown. A format that
    holds one picture gets the first. Formats that lose something are written at quality 95.
    """
    target = check_image_target(path)
    suffix = target.suffix.lower()
    about = source or ImageFile((), (None,) * len(frames))
    deep = about.bits > 8 and suffix in _DEEP
    # Pillow reads no TIFF of grey and alpha in 16 bits.
    gray = about.gray and not (deep and suffix in _TIFF and about.alphas[0] is not None)
    pictures = [
        _samples(rgb, alpha if suffix in _WITH_ALPHA else None, gray, deep=deep)
        for rgb, alpha in zip(frames, about.alphas, strict=False)
    ]
    metadata = about.metadata.of(gray=gray)
    with written_beside(target) as partial:
        if deep and suffix == ".png":
            partial.write_bytes(deep_png(pictures[0], metadata))
        elif suffix in _TIFF and len(pictures) == 1:
            partial.write_bytes(tiff(pictures[0], metadata))
        else:
            _write_by_pillow(partial, pictures, metadata, about)


def _samples(rgb: np.ndarray, alpha: np.ndarray | None, gray: bool, *, deep: bool) -> np.ndarray:
    """(h, w, 1 to 4) integers."""
    colours = rgb.astype(np.float64) @ [[0.299], [0.587], [0.114]] if gray else rgb
    if alpha is not None and alpha.shape == rgb.shape[:2]:
        colours = np.concatenate([colours, alpha[..., None]], axis=-1)
    top = 65535 if deep else 255
    return np.clip(colours * np.float64(top) + 0.5, 0, top).astype(np.uint16 if deep else np.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    if path.suffix.lower() in HEIF:
        load_heif(path)
    try:
        with Image.open(path) as image:
            yield image
    except (*_DAMAGED, Image.DecompressionBombError, ImageCms.PyCMSError) as error:
        raise VaderError(f"{path} is not an image that can be read", hint=_first_line(error)) from error


def load_heif(path: Path) -> None:
    """Teaches Pillow HEIC. Raises `VaderError` where that needs an extra."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise VaderError(
            f"{path} needs pillow-heif to be read or written", hint="pip install 'vader-mlx[heic]'"
        ) from error
    register_heif_opener()


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "it may be damaged"


def _read(path: Path, image: Image.Image) -> ImageFile:
    count = getattr(image, "n_frames", 1)
    animated = count > 1 and image.format in {"PNG", "WEBP", "GIF", "AVIF"}
    pages = count > 1 and image.format == "TIFF"
    if count * image.width * image.height * 12 > _MOST_BYTES and (animated or pages):
        raise VaderError(
            f"{path} holds {count} pictures of {image.width}x{image.height}: too much for memory",
            hint="make a video of it, or files of its pages",
        )
    deep = None if animated else _deep_samples(path, image)
    metadata, lost = metadata_of(image), _lost(image, count, deep, several=animated or pages)
    gray, lossless = image.mode in {"1", "L", "LA"}, _is_lossless(path, image)
    if deep is None and image.mode in {"I", "F"}:
        raise VaderError(f"{path} has samples of 32 bits", hint="save it with 16 bits a sample")
    if deep is not None:
        gray = deep.shape[-1] <= 2
        rgb, alpha = _apart(_turned(deep, image.getexif().get(ExifTags.Base.Orientation, 1)))
        return ImageFile((rgb,), (alpha,), 16, gray, metadata=metadata, lost=lost)
    frames, alphas, durations = [], [], []
    for frame in ImageSequence.Iterator(image) if animated or pages else (image,):
        rgb, alpha = _shallow(frame)
        frames.append(rgb)
        alphas.append(alpha)
        durations.append(float(frame.info.get("duration", 0)))
    return ImageFile(
        tuple(frames),
        tuple(alphas),
        gray=gray,
        durations=tuple(durations) if animated else (),
        loop=image.info.get("loop", 0),
        lossless=lossless,
        metadata=metadata,
        lost=lost,
    )


def _lost(image: Image.Image, count: int, deep: np.ndarray | None, *, several: bool) -> tuple[str, ...]:
    lost = []
    if count > 1 and (deep is not None or not several):
        lost.append(f"{count - 1} of {count} pictures")
    if image.mode == "CMYK":
        lost.append("CMYK becomes RGB")
    if image.info.get("bit_depth", 8) > 8:  # of HEIC
        lost.append(f"{image.info['bit_depth']} bits become 8")
    return tuple(lost)


def _is_lossless(path: Path, image: Image.Image) -> bool:
    if image.format != "WEBP":
        return image.format not in {"JPEG", "MPO", "AVIF", "HEIF"}
    with path.open("rb") as content:
        return b"VP8L" in content.read(1 << 16)


def _shallow(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    upright: Any = ImageOps.exif_transpose(image)
    alpha = None
    if upright.has_transparency_data:
        alpha = to_unit(np.asarray(upright.convert("RGBA").getchannel("A")))
    profile = image.info.get("icc_profile")
    if upright.mode == "CMYK" and profile:
        # An RGB file cannot keep the profile of inks: the colours become those of sRGB.
        inks = ImageCms.ImageCmsProfile(BytesIO(profile))
        upright = ImageCms.profileToProfile(upright, inks, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return to_unit(np.asarray(upright.convert("RGB"))), alpha


def _deep_samples(path: Path, image: Image.Image) -> np.ndarray | None:
    """(h, w, channels) uint16 of a PNG or TIFF that has 16 bits; None for all others."""
    if image.format not in {"PNG", "TIFF"}:
        return None
    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
    except (av.error.FFmpegError, StopIteration, IndexError):
        return None  # Pillow knows more kinds of TIFF
    if not frame.format.name.startswith(_DEEP_FORMATS):
        return None
    if frame.format.name.startswith("ya16"):
        dtype = ">u2" if frame.format.name.endswith("be") else "<u2"
        plane = frame.planes[0]
        rows = np.frombuffer(memoryview(plane), dtype).reshape(frame.height, -1)
        return rows[:, : 2 * frame.width].reshape(frame.height, frame.width, 2).astype(np.uint16)
    samples = frame.to_ndarray()
    return samples[..., None] if samples.ndim == 2 else samples


def _turned(samples: np.ndarray, orientation: int) -> np.ndarray:
    """EXIF orientations 1 to 8."""
    if orientation >= 5:
        samples = samples.transpose(1, 0, 2)
    if orientation in {2, 3, 6, 7}:
        samples = samples[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        samples = samples[::-1]
    return samples


def _apart(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """RGB and alpha in [0, 1] of 16-bit samples."""
    values = samples.astype(np.float32) / np.float32(65535)
    alpha = values[..., -1] if values.shape[-1] in {2, 4} else None
    rgb = values[..., :3] if values.shape[-1] >= 3 else np.repeat(values[..., :1], 3, axis=-1)
    return np.ascontiguousarray(rgb), alpha


def _write_by_pillow(
    partial: Path, pictures: Sequence[np.ndarray], metadata: Metadata, about: ImageFile
) -> None:
    suffix = partial.suffix.lower()
    options: dict[str, Any] = {
        name: value
        for name, value in (
            ("icc_profile", metadata.profile),
            ("exif", metadata.exif),
            ("xmp", metadata.xmp),
            ("dpi", metadata.dpi),
        )
        if value
    }
    if suffix == ".png":
        options["pnginfo"] = png_chunks(metadata)
    if suffix in _JPEG and metadata.comment:
        options["comment"] = metadata.comment
    if suffix in {*_JPEG, ".webp", ".avif", *HEIF}:
        options["quality"] = 95
    if suffix in {*_JPEG, ".avif"}:
        options["subsampling"] = "4:4:4"
    if suffix == ".webp" and about.lossless and about.frames:
        options |= {"lossless": True, "exact": True}
    if suffix in _TIFF:  # pages
        options |= {"compression": "tiff_adobe_deflate", "exif": without_directories(metadata.exif)}
    images = [Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture) for picture in pictures]
    if len(images) > 1 and suffix in (_ANIMATED if about.durations else _TIFF):
        options |= {"save_all": True, "append_images": images[1:]}
        if about.durations:
            options |= {"duration": list(about.durations), "loop": about.loop}
    images[0].save(partial, **options)
