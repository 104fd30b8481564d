"""A mark that was saved comes back; what is no mark is refused in one line, whatever bytes it is made of."""

import struct

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mlx_vader.boxes import Box
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.masks.mark_files import KnownMark, load_marks, save_mark
from tests.mutation import changed_text, counts, damaged, refused_or_read

FRAME = 180, 320


def disc(size: int = 24, top: int = 20, left: int = 260) -> KnownMark:
    """An orange disc of opacity 0.6 with a soft edge that touches its box."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = (0.6 * np.clip(size / 2 - np.hypot(x, y) + 0.5, 0, 1)).astype(np.float32)
    colour = np.broadcast_to(np.float32([1, 0.5, 0.2]), (size, size, 3)).copy()
    return KnownMark("disc", alpha, colour, Box(top, left, size, size), FRAME)


@pytest.mark.parametrize(("suffix", "tolerance"), [(".png", 0.5 / 255), (".lgd", 0.5 / 1000)])
def test_a_mark_comes_back_as_it_was_saved(tmp_path, suffix, tolerance):
    mark, path = disc(), tmp_path / f"logo{suffix}"
    save_mark(path, mark)
    (again,) = load_marks(path)
    assert (again.box, again.frame) == (mark.box, FRAME)
    assert np.abs(again.alpha - mark.alpha).max() <= tolerance + 1e-6
    covered = mark.alpha > 0.01
    assert np.abs(again.colour - mark.colour)[covered].max() <= 0.5 / 255 + 1e-3


def test_a_mark_keeps_its_place_in_frames_of_another_size():
    assert disc().scale_in(360, 640) == (2, 2)


def test_a_designers_picture_is_cut_to_what_it_shows(tmp_path):
    pixels = np.zeros((*FRAME, 4), np.uint8)
    pixels[10:20, 30:60] = 255, 0, 0, 128
    Image.fromarray(pixels).save(tmp_path / "clean.png")
    (mark,) = load_marks(tmp_path / "clean.png")
    assert mark.box == Box(10, 30, 10, 30)
    assert mark.frame == FRAME
    assert not mark.is_placed
    assert mark.alpha == pytest.approx(np.full((10, 30), 128 / 255))


def test_a_folder_holds_marks(tmp_path):
    save_mark(tmp_path / "a.png", disc())
    save_mark(tmp_path / "b.lgd", disc(16))
    (tmp_path / "note.txt").write_text("no mark")
    assert [mark.alpha.shape for mark in load_marks(tmp_path)] == [(24, 24), (16, 16)]


# AviUtl's files, byte by byte -----------------------------------------------------------------------------------------


def logo(name: bytes, left: int, top: int, pixels: list[list[tuple[int, ...]]], version: int = 1) -> bytes:
    """One logo as the format says: name, place, height before width, fades, and six numbers a pixel."""
    height, width = len(pixels), len(pixels[0])
    header = struct.pack("<8h", left, top, height, width, 0, 0, 0, 0)
    flat = [number for row in pixels for pixel in row for number in pixel]
    return (
        name.ljust(32 if version == 1 else 256, b"\0")
        + header
        + (b"" if version == 1 else bytes(240))
        + struct.pack(f"<{len(flat)}h", *flat)
    )


def lgd(*logos: bytes, version: int = 1) -> bytes:
    beginning = f"<logo data file ver0.{version}>".encode().ljust(28, b"\0")
    return beginning + struct.pack(">I", len(logos)) + b"".join(logos)


HALF_WHITE = (500, 4096, 500, 0, 500, 0)
OPAQUE_RED = (1000, round(0.299 * 4096), 1000, round(-0.168736 * 4096), 1000, 2048)
NOTHING = (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("version", [1, 2])
def test_logos_of_other_programs_are_read(tmp_path, version):
    path = tmp_path / "channels.lgd"
    first = logo("テレビ 320x180".encode("cp932"), 260, 20, [[HALF_WHITE, OPAQUE_RED]], version)
    second = logo(b"other", 5, 7, [[HALF_WHITE], [NOTHING]], version)
    path.write_bytes(lgd(first, second, version=version) + b"what some programs append")
    white_and_red, other = load_marks(path)
    assert (white_and_red.name, white_and_red.frame) == ("テレビ 320x180", FRAME)
    assert white_and_red.box == Box(20, 260, 1, 2)
    assert white_and_red.alpha.tolist() == [[0.5, 1.0]]
    assert np.abs(white_and_red.colour - [[[1, 1, 1], [1, 0, 0]]]).max() < 2e-3
    assert other.frame is None
    assert other.box == Box(7, 5, 1, 1)


def test_a_logo_is_written_as_other_programs_read_it(tmp_path):
    save_mark(tmp_path / "logo.lgd", disc())
    content = (tmp_path / "logo.lgd").read_bytes()
    assert content[:28] == b"<logo data file ver0.1>".ljust(28, b"\0")
    assert content[28:32] == b"\0\0\0\1"
    assert content[32:64].rstrip(b"\0") == b"disc 320x180"
    assert struct.unpack("<4h", content[64:72]) == (260, 20, 24, 24)
    assert len(content) == 32 + 48 + 24 * 24 * 12
    depth, luma, *_ = struct.unpack_from("<6h", content, 80 + 12 * (12 * 24 + 12))
    assert depth == 600
    assert luma == pytest.approx(4096 * (0.299 + 0.587 * 0.5 + 0.114 * 0.2), abs=1)


# What is refused ------------------------------------------------------------------------------------------------------


def _bytes(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\nrest")


def _without_alpha(path):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)


def _clear(path):
    Image.fromarray(np.zeros((8, 8, 4), np.uint8)).save(path)


def _told(text):
    def write(path):
        about = PngInfo()
        about.add_text("vader.mark", text)
        Image.fromarray(np.full((8, 8, 4), 200, np.uint8)).save(path, pnginfo=about)

    return write


@pytest.mark.parametrize(
    "write",
    [
        _bytes,
        _without_alpha,
        _clear,
        _told("{"),
        _told("[]"),
        _told('{"frame": [320, 180]}'),
        _told('{"frame": [320, 180], "place": ["a", 1]}'),
        _told('{"frame": [320, 180], "place": [0.5, 1]}'),
        _told('{"frame": [320, 180], "place": [318, 0]}'),
        _told('{"frame": [320, 180], "place": [-1, 0]}'),
        lambda path: None,
        lambda path: path.mkdir(),
    ],
)
def test_what_is_no_mark_is_refused_in_one_line(tmp_path, write):
    path = tmp_path / "logo.png"
    write(path)
    with pytest.raises(VaderError) as caught:
        load_marks(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("count", counts(2000))
@pytest.mark.parametrize("suffix", [".png", ".lgd"])
def test_damaged_files_are_read_or_refused(tmp_path, suffix, count):
    """Whatever becomes of a file's bytes: a mark, or one line."""
    path = tmp_path / f"logo{suffix}"
    save_mark(path, disc(9))
    whole = path.read_bytes()

    def door(data):
        path.write_bytes(data.draw(damaged(whole)))
        for mark in load_marks(path):
            assert np.isfinite(mark.colour).all()
            assert 0 < mark.alpha.max() <= 1

    refused_or_read(count, door)


@pytest.mark.parametrize("count", counts(2000))
def test_whatever_the_metadata_says_is_read_or_refused(tmp_path, count):
    path = tmp_path / "logo.png"
    said = '{"frame": [320, 180], "place": [260, 20]}'

    def door(data):
        _told(data.draw(changed_text(said)))(path)
        (mark,) = load_marks(path)
        assert mark.box == mark.box.within(Box(0, 0, *mark.frame))

    refused_or_read(count, door)


def test_a_mark_is_a_png_or_a_lgd(tmp_path):
    with pytest.raises(UsageError, match=r"\.png"):
        save_mark(tmp_path / "logo.jpg", disc())
