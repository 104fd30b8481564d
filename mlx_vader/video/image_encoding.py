"""What Pillow does not write: PNG and TIFF of 16 bits a sample, and deflated TIFF with EXIF's own directories."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL.PngImagePlugin import PngInfo, iTXt
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mlx_vader.video.image_metadata import Metadata, exif_tags


def png_chunks(metadata: Metadata) -> PngInfo:
    """The chunks of a PNG that hold texts, XMP, and what its colours are."""
    chunks = PngInfo()
    for kind, data in metadata.chunks.items():
        chunks.add(kind, data)
    for key, text in metadata.text.items():
        if isinstance(text, iTXt):
            chunks.add_itxt(key, text, text.lang or "", text.tkey or "")
        else:
            chunks.add_text(key, text)
    if metadata.xmp:
        chunks.add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    return chunks


def deep_png(samples: np.ndarray, metadata: Metadata) -> bytes:
    """A PNG of (h, w, 1 to 4) uint16; each row is stored as differences from the row above (filter 2)."""
    height, width, channels = samples.shape
    rows = np.ascontiguousarray(samples.astype(">u2")).view(np.uint8).reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.insert(rows - above, 0, 2, axis=1)
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))]
    if metadata.profile:
        chunks.append((b"iCCP", b"profile\0\0" + zlib.compress(metadata.profile)))
    if metadata.dpi:
        across, down = (round(value / 0.0254) for value in metadata.dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", across, down, 1)))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif.removeprefix(b"Exif\0\0")))
    chunks += [(kind_, data) for kind_, data, *_ in png_chunks(metadata).chunks]
    chunks += [(b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind_, data) for kind_, data in chunks)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(samples: np.ndarray, metadata: Metadata) -> bytes:
    """A TIFF of (h, w, 1 to 4) uint8 or uint16: one deflated strip of differences from pixel to pixel."""
    height, width, channels = samples.shape
    differences = samples.astype(samples.dtype.newbyteorder("<"))
    differences[:, 1:] -= samples[:, :-1]
    strip = zlib.compress(differences.tobytes(), 6)
    directory = ImageFileDirectory_v2()
    for tag, value in exif_tags(metadata.exif).items():
        directory[tag] = value
    gray, with_alpha = channels < 3, channels in {2, 4}
    sizes = {256: width, 257: height, 278: height, 279: len(strip)}
    for tag, value in {**sizes, 259: 8, 262: 1 if gray else 2, 273: 0, 277: channels, 317: 2}.items():
        directory[tag] = value
    directory[258] = (8 * samples.dtype.itemsize,) * channels
    if with_alpha:
        directory[338] = 2  # not multiplied with the colours
    if metadata.dpi:
        directory[282], directory[283], directory[296] = *metadata.dpi, 2
    for tag, content in ((34675, metadata.profile), (700, metadata.xmp)):
        if content:
            directory.tagtype[tag] = 7 if tag == 34675 else 1
            directory[tag] = content
    file = BytesIO()
    directory.save(file)
    return file.getvalue() + strip
