"""AviUtl's logo data files (`.lgd`), which its logo analysis writes and its delogo filters and many others read.

The format, as the plug-ins' authors describe it: 28 bytes of text with the version, the number of logos as a big-endian
32-bit integer, and for each logo a header and its pixels row by row. All else is little-endian and of 16 bits. The
header has a name (32 bytes; 256 in version 0.2), left, top, height, width, four numbers for fades, and in version 0.2
a reserve of 240 bytes. A pixel has depth and value of Y, Cb and Cr: depths to 1000, Y from 0 (black) to 4096 (white),
differences from -2048 to 2048. What follows the last logo is left alone: some programs append data of their own.

Only the box is stored, no frame size. By custom it stands in the name ("Channel 1440x1080"), where it is read and
written.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from mlx_vader.boxes import Box

#: How a file begins, by version, and the header of its logos.
_VERSIONS = {
    b"<logo data file ver0.1>": struct.Struct("<32s8h"),
    b"<logo data file ver0.2>": struct.Struct("<256s8h240x"),
}
_BEGINNING = struct.Struct(">28sI")
_PIXEL_BYTES = 12
#: What is wholly opaque, and white.
_DEEPEST, _WHITE = 1000, 4096
_ENCODING, _LONGEST_NAME = "cp932", 31
_SIZE = re.compile(r"(\d{3,5})x(\d{3,5})")
#: Pictures beyond this are coded by BT.709, others by BT.601.
_STANDARD_HEIGHT, _STANDARD_WIDTH = 576, 768
_LUMA_709, _LUMA_601 = (0.2126, 0.0722), (0.299, 0.114)


@dataclass(frozen=True, eq=False)
class Logo:
    """A logo at `box` of a frame. `alpha` is (h, w), `colour` RGB (h, w, 3), both in [0, 1].

    `frame`: height and width of the frame, where the name tells them.
    """

    name: str
    box: Box
    alpha: Float32[np.ndarray, "h w"]
    colour: Float32[np.ndarray, "h w 3"]
    frame: tuple[int, int] | None = None


def parse_lgd(content: bytes) -> list[Logo]:
    """The logos in a file. Raises ValueError, in one line, for what is no such file or is damaged."""
    if len(content) < _BEGINNING.size:
        raise ValueError("it is too short for a logo data file")
    text, count = _BEGINNING.unpack_from(content)
    header = _VERSIONS.get(text.rstrip(b"\0"))
    if header is None:
        raise ValueError("it does not begin as a logo data file of version 0.1 or 0.2")
    if count == 0:
        raise ValueError("it holds no logo")
    place, logos = _BEGINNING.size, []
    for number in range(count):
        if len(content) < place + header.size:
            raise ValueError(f"it ends before logo {number + 1} of {count}")
        name, left, top, height, width, *_ = header.unpack_from(content, place)
        place += header.size
        if min(left, top) < 0 or min(height, width) < 1:
            raise ValueError(f"logo {number + 1} is {width}x{height} at {left},{top}")
        pixels = height * width
        if len(content) < place + pixels * _PIXEL_BYTES:
            raise ValueError(f"it ends within logo {number + 1} of {count}")
        values = np.frombuffer(content, "<i2", pixels * 6, place).reshape(height, width, 3, 2)
        place += pixels * _PIXEL_BYTES
        logos.append(_logo(_text(name), Box(top, left, height, width), values))
    return logos


def make_lgd(logos: Sequence[Logo]) -> bytes:
    """A file of version 0.1, which all programs read. Raises ValueError for a logo beyond what 16 bits can place."""
    (text, header), *_ = _VERSIONS.items()
    parts = [_BEGINNING.pack(text, len(logos))]
    for logo in logos:
        box = logo.box
        if max(box) > 2**15 - 1:
            raise ValueError("a logo data file places logos within 32767 pixels")
        parts.append(header.pack(_name(logo), box.left, box.top, box.height, box.width, 0, 0, 0, 0))
        parts.append(_values(logo).tobytes())
    return b"".join(parts)


def _logo(name: str, box: Box, values: np.ndarray) -> Logo:
    frame = None
    if found := _SIZE.search(name):
        width, height = (int(side) for side in found.groups())
        frame = (height, width) if box.bottom <= height and box.right <= width else None
    depths, ycc = np.moveaxis(values.astype(np.float32), -1, 0)
    alpha = np.clip(depths[..., 0] / np.float32(_DEEPEST), 0, 1)
    # Where only luma was learned, chroma is that of grey.
    ycc[..., 1:] *= depths[..., 1:] > 0
    colour = np.clip(ycc / np.float32(_WHITE) @ _to_rgb(box, frame).T, 0, 1)
    return Logo(name, box, alpha, colour, frame)


def _values(logo: Logo) -> np.ndarray:
    ycc = logo.colour @ np.linalg.inv(_to_rgb(logo.box, logo.frame)).T.astype(np.float32)
    values = np.empty((*logo.alpha.shape, 3, 2), "<i2")
    values[..., 0] = np.rint(logo.alpha * _DEEPEST)[..., None]
    values[..., 1] = np.rint(ycc * _WHITE) * (values[..., 0] > 0)
    return values


def _to_rgb(box: Box, frame: tuple[int, int] | None) -> Float32[np.ndarray, "3 3"]:
    """From Y, Cb and Cr to RGB, all as shares of white."""
    height, width = frame or (box.bottom, box.right)
    red, blue = _LUMA_709 if height > _STANDARD_HEIGHT or width > _STANDARD_WIDTH else _LUMA_601
    green = 1 - red - blue
    from_rgb = np.array([[red, green, blue]] * 3)
    from_rgb[1] = (np.array([0, 0, 1]) - from_rgb[0]) / (2 * (1 - blue))
    from_rgb[2] = (np.array([1, 0, 0]) - from_rgb[0]) / (2 * (1 - red))
    return np.linalg.inv(from_rgb).astype(np.float32)


def _text(name: bytes) -> str:
    return name.split(b"\0", 1)[0].decode(_ENCODING, "replace")


def _name(logo: Logo) -> bytes:
    size = f" {logo.frame[1]}x{logo.frame[0]}" if logo.frame else ""
    plain = _SIZE.sub("", logo.name).strip()
    room = _LONGEST_NAME - len(size)
    # A character of two bytes is not cut in half.
    kept = plain.encode(_ENCODING, "replace")[:room].decode(_ENCODING, "ignore")
    return (kept + size).strip().encode(_ENCODING, "replace")
