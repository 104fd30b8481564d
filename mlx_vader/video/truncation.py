"""Finds files that end before they say they do, without decoding: MP4/MOV, Matroska/WebM and AVI."""

import struct
from pathlib import Path
from typing import BinaryIO

#: Boxes that hold nothing: a file that ends within one of them has lost nothing.
_PADDING = {b"free", b"skip", b"wide"}
_EBML_HEADER, _MATROSKA_SEGMENT = 0x1A45DFA3, 0x18538067


def missing_bytes(path: Path) -> int:
    """How many bytes the file lacks at its end; 0 where it is whole or its format does not tell."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[4:8] in {b"ftyp", b"moov", b"mdat", *_PADDING}:
            return max(0, _end_of_boxes(file, size) - size)
        if head[:4] == _EBML_HEADER.to_bytes(4):
            return max(0, _end_of_segment(file) - size)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return max(0, 8 + struct.unpack("<I", head[4:8])[0] - size)
    return 0


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Where the last top-level box of an MP4 claims to end."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8))
        if length < 8:  # 0: up to the end of the file
            return size
        position += length
        if kind in _PADDING:
            position = min(position, size)
    return position


def _end_of_segment(file: BinaryIO) -> int:
    """Where the segment of a Matroska file claims to end; 0 for live recordings, which do not know."""
    _element_id(file)
    file.seek(_element_size(file) or 0, 1)
    if _element_id(file) != _MATROSKA_SEGMENT:
        return 0
    length = _element_size(file)
    return 0 if length is None else file.tell() + length


def _element_id(file: BinaryIO) -> int:
    first = file.read(1)
    if not first or not first[0]:
        return 0
    return int.from_bytes(first + file.read(8 - first[0].bit_length()))


def _element_size(file: BinaryIO) -> int | None:
    """An EBML variable-length integer; None when it stands for 'unknown'."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    bits = 7 * (extra + 1)
    value = int.from_bytes(first + file.read(extra)) & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
