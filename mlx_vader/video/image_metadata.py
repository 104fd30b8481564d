"""What an image file says besides its pixels: colour profile, EXIF, XMP, density, texts."""

import struct
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import ExifTags, Image, ImageOps

#: Tags of TIFF that say how the pixels lie in the file, and those that `Metadata` holds by themselves.
_LAYOUT = {*range(254, 260), 262, 263, 266, 273, 274, *range(277, 285), *range(288, 293), 296, 297}
_LAYOUT |= {317, 318, 319, 320, *range(321, 326), 330, 332, 334, 336, *range(338, 348), *range(512, 522)}
_LAYOUT |= {529, 530, 531, 532, 700, 34675}


@dataclass(frozen=True)
class Metadata:
    """All of it is true of the upright pixels. `dpi`: pixels an inch, across and down. Of PNG: `text` by keyword, and
    `chunks` that say what its colours are, where no profile does.
    """

    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    text: dict[str, str] = field(default_factory=dict)
    chunks: dict[bytes, bytes] = field(default_factory=dict)

    def of(self, *, gray: bool) -> "Metadata":
        """Without a colour profile that is for other samples than gray ones, or than RGB."""
        fits = self.profile is not None and self.profile[16:20] == (b"GRAY" if gray else b"RGB ")
        return self if fits else replace(self, profile=None)


def metadata_of(image: Image.Image) -> Metadata:
    """What goes with an opened image."""
    exif = _exif_of_upright(image)
    text = {key: value for key, value in getattr(image, "text", {}).items() if key != "XML:com.adobe.xmp"}
    info = ImageOps.exif_transpose(image).info
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    return Metadata(
        image.info.get("icc_profile"),
        exif,
        xmp.encode() if isinstance(xmp, str) else xmp,
        _density(image),
        image.info.get("comment"),
        text,
        _colour_chunks(image),
    )


def _colour_chunks(image: Image.Image) -> dict[bytes, bytes]:
    """PNG's own words for what its colours are."""
    if image.format != "PNG":
        return {}
    chunks = {}
    if "gamma" in image.info:
        chunks[b"gAMA"] = struct.pack(">I", round(image.info["gamma"] * 100_000))
    if "chromaticity" in image.info:
        chunks[b"cHRM"] = struct.pack(
            ">8I", *(round(value * 100_000) for value in image.info["chromaticity"])
        )
    if "srgb" in image.info:
        chunks[b"sRGB"] = bytes([image.info["srgb"]])
    return chunks


def _density(image: Image.Image) -> tuple[float, float] | None:
    across, down = image.info.get("dpi", (0, 0))
    if not (across and down):
        return None
    turned = image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return (float(down), float(across)) if turned else (float(across), float(down))


def _exif_of_upright(image: Image.Image) -> bytes | None:
    """None where there is none, or it is damaged."""
    try:
        exif = Image.Exif()
        exif.load(image.getexif().tobytes())
        for tag in _LAYOUT & set(exif):
            del exif[tag]
        return exif.tobytes() if len(exif) else None
    except (struct.error, TypeError, ValueError, LookupError, ArithmeticError, AttributeError):
        return None


def exif_tags(exif: bytes | None) -> dict[int, Any]:
    """EXIF as the tags of a TIFF; directories within it are dictionaries."""
    if exif is None:
        return {}
    known = Image.Exif()
    known.load(exif)
    tags: dict[int, Any] = {
        tag: value for tag, value in known.items() if tag not in ExifTags.IFD._value2member_map_
    }
    for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        if inner := known.get_ifd(directory):
            tags[directory] = {tag: value for tag, value in inner.items() if tag != ExifTags.IFD.Interop}
    return tags


def without_directories(exif: bytes | None) -> Image.Exif:
    """The tags of the file itself, without those that say how a picture was taken."""
    plain = Image.Exif()
    for tag, value in exif_tags(exif).items():
        if not isinstance(value, dict):
            plain[tag] = value
    return plain
