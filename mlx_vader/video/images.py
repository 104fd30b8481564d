"""Still images in and out: 8 and 16 bits, upright, with colour profile, EXIF and alpha.

Pillow knows the formats but reads RGB of 16 bits as 8; there FFmpeg decodes, and PNG is written here.
"""

import os
import struct
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from jaxtyping import Float
from PIL import ExifTags, Image, ImageOps

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.levels import to_unit
from mlx_vader.video.files import check_source, check_target, is_image
from mlx_vader.writing import written_beside

#: FFmpeg's formats of more than 8 bits that PNG and TIFF files hold.
_DEEP_FORMATS = ("rgb48", "rgba64", "gray16", "ya16")
_WITH_ALPHA = {".png", ".webp", ".tif", ".tiff"}
_DEEP = {".png", ".tif", ".tiff"}


@dataclass(frozen=True, eq=False)
class _Besides:
    """What an image file holds besides its colours; `alpha` is (h, w) in [0, 1], upright."""

    bits: int = 8
    alpha: np.ndarray | None = None
    profile: bytes | None = None
    exif: bytes | None = None


def read_image(path: str | os.PathLike[str]) -> Float[np.ndarray, "h w 3"]:
    """RGB in [0, 1], turned upright as EXIF says, 16 bits where the file (PNG, TIFF) has them.

    Alpha is left out: `write_image(..., source=path)` puts it back. Raises `VaderError` for what is not an image.
    """
    return _read(check_source(path))[0]


def write_image(
    path: str | os.PathLike[str],
    rgb: Float[np.ndarray, "h w 3"],
    *,
    source: str | os.PathLike[str] | None = None,
) -> None:
    """Writes RGB in [0, 1] as the suffix says (PNG, JPEG, WebP, TIFF, BMP); the file appears when it is complete.

    With `source`, the image that this one was made from, its colour profile and EXIF are kept, its alpha where the
    format has one and the size is the same, and its 16 bits in PNG and TIFF. JPEG and WebP are written at quality 95.
    """
    target = check_target(path)
    if not is_image(target):
        raise UsageError(
            f"{target.name}: no image is written as '{target.suffix}'", hint="use .png, .jpg or .tif"
        )
    besides = _read(check_source(source))[1] if source is not None else _Besides()
    suffix = target.suffix.lower()
    if besides.alpha is not None and suffix in _WITH_ALPHA and besides.alpha.shape == rgb.shape[:2]:
        rgb = np.concatenate([rgb, besides.alpha[..., None]], axis=-1)
    deep = besides.bits > 8 and suffix in _DEEP
    top = 65535 if deep else 255
    samples = np.clip(rgb * np.float64(top) + 0.5, 0, top).astype(np.uint16 if deep else np.uint8)
    with written_beside(target) as partial:
        if deep and suffix == ".png":
            partial.write_bytes(_deep_png(samples, besides))
        elif deep:
            _write_deep_tiff(partial, samples)
        else:
            _write_by_pillow(partial, samples, besides)


def _read(path: Path) -> tuple[np.ndarray, _Besides]:
    try:
        with Image.open(path) as image:
            deep = _deep_samples(path, image)
            profile, exif = image.info.get("icc_profile"), _exif_of_upright(image)
            if deep is None:
                return _shallow(image, profile, exif)
            samples = _turned(deep, image.getexif().get(ExifTags.Base.Orientation, 1))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise VaderError(f"{path} is not an image that can be read", hint=_first_line(error)) from error
    values = samples.astype(np.float32) / np.float32(65535)
    alpha = values[..., -1] if values.shape[-1] in {2, 4} else None
    rgb = values[..., :3] if values.shape[-1] >= 3 else np.repeat(values[..., :1], 3, axis=-1)
    return np.ascontiguousarray(rgb), _Besides(16, alpha, profile, exif)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "it may be damaged"


def _shallow(image: Image.Image, profile: bytes | None, exif: bytes | None) -> tuple[np.ndarray, _Besides]:
    upright = ImageOps.exif_transpose(image)
    rgb = to_unit(np.asarray(upright.convert("RGB")))
    alpha = None
    if upright.has_transparency_data:
        alpha = to_unit(np.asarray(upright.convert("RGBA").getchannel("A")))
    return rgb, _Besides(8, alpha, profile, exif)


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


def _exif_of_upright(image: Image.Image) -> bytes | None:
    """The image's EXIF as it is true of the upright pixels."""
    if not image.getexif():
        return None
    exif = Image.Exif()
    exif.load(image.getexif().tobytes())
    exif.pop(ExifTags.Base.Orientation, None)
    return exif.tobytes()


def _write_by_pillow(partial: Path, samples: np.ndarray, besides: _Besides) -> None:
    options: dict[str, Any] = {}
    if besides.profile:
        options["icc_profile"] = besides.profile
    if besides.exif:
        options["exif"] = besides.exif
    if partial.suffix.lower() in {".jpg", ".jpeg", ".webp"}:
        options["quality"] = 95
    if partial.suffix.lower() in {".jpg", ".jpeg"}:
        options["subsampling"] = "4:4:4"
    if partial.suffix.lower() in {".tif", ".tiff"}:
        options["compression"] = "tiff_adobe_deflate"
    Image.fromarray(samples).save(partial, **options)


def _deep_png(samples: np.ndarray, besides: _Besides) -> bytes:
    """A PNG of 16 bits a sample; each row is stored as differences from the row above (filter 2)."""
    height, width, channels = samples.shape
    rows = np.ascontiguousarray(samples.astype(">u2")).view(np.uint8).reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.insert(rows - above, 0, 2, axis=1)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0))]
    if besides.profile:
        chunks.append((b"iCCP", b"profile\0\0" + zlib.compress(besides.profile)))
    if besides.exif:
        chunks.append((b"eXIf", besides.exif.removeprefix(b"Exif\0\0")))
    chunks += [(b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _write_deep_tiff(partial: Path, samples: np.ndarray) -> None:
    """TIFF of 16 bits by FFmpeg, which knows no colour profile."""
    pix_fmt = "rgb48le" if samples.shape[-1] == 3 else "rgba64le"
    frame = av.VideoFrame.from_ndarray(samples, format=pix_fmt)
    context = av.CodecContext.create("tiff", "w")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, pix_fmt
    context.time_base = Fraction(1)
    context.options = {"compression_algo": "deflate"}
    partial.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))
