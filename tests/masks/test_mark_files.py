"""A mark that was saved comes back, in another frame size too; what is no mark is refused in one line."""

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mlx_vader.boxes import Box
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.masks.mark_files import KnownMark, load_mark, save_mark

FRAME = 180, 320


def disc(size: int = 40, top: int = 20, left: int = 260) -> KnownMark:
    """An orange disc of opacity 0.6 with a soft edge."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = (0.6 * np.clip(size * 0.4 - np.hypot(x, y) + 0.5, 0, 1)).astype(np.float32)
    colour = np.broadcast_to(np.float32([1, 0.5, 0.2]), (size, size, 3)).copy()
    return KnownMark(alpha, colour, Box(top, left, size, size), *FRAME)


def test_a_mark_comes_back_as_it_was_saved(tmp_path):
    mark = disc()
    save_mark(tmp_path / "logo.png", mark)
    again = load_mark(tmp_path / "logo.png")
    assert (again.box, again.height, again.width) == (mark.box, *FRAME)
    assert np.abs(again.alpha - mark.alpha).max() <= 0.5 / 255 + 1e-6
    assert np.abs(again.colour - mark.colour).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("factor", [0.5, 1.5, 2.0])
def test_in_another_frame_size_it_lies_at_the_same_place(factor):
    mark, height, width = disc(), int(FRAME[0] * factor), int(FRAME[1] * factor)
    placed = mark.placed(height, width)
    y, x = np.mgrid[: placed.box.height, : placed.box.width]
    weight = placed.alpha.sum()
    middle = np.array([(y * placed.alpha).sum(), (x * placed.alpha).sum()]) / weight
    centre = (middle + 0.5 + placed.box[:2]) / factor
    assert np.abs(centre - (20 + 20, 260 + 20)).max() < 0.2
    assert weight == pytest.approx(mark.alpha.sum() * factor**2, rel=0.03)
    opaque = placed.alpha > 0.3
    assert np.abs(placed.colour[opaque] - mark.colour[0, 0]).max() < 0.02


def test_in_its_own_frame_size_it_stays_as_it_is():
    mark = disc()
    assert mark.placed(*FRAME) is mark


def test_a_frame_of_another_shape_is_refused():
    with pytest.raises(VaderError, match="320x180"):
        disc().placed(240, 320)


def test_a_designers_picture_is_a_mark_in_a_frame_of_its_size(tmp_path):
    pixels = np.zeros((*FRAME, 4), np.uint8)
    pixels[10:20, 30:60] = 255, 0, 0, 128
    Image.fromarray(pixels).save(tmp_path / "clean.png")
    mark = load_mark(tmp_path / "clean.png")
    assert mark.box == Box(0, 0, *FRAME)
    assert mark.alpha[15, 40] == pytest.approx(128 / 255)


def _bytes(path):
    path.write_bytes(b"\x89PNG\r\n\x1a\nrest")


def _cut(path):
    save_mark(path, disc())
    path.write_bytes(path.read_bytes()[:200])


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
        _cut,
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
    ],
)
def test_what_is_no_mark_is_refused_in_one_line(tmp_path, write):
    path = tmp_path / "logo.png"
    write(path)
    with pytest.raises(VaderError) as caught:
        load_mark(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint


def test_a_mark_is_a_png(tmp_path):
    with pytest.raises(UsageError, match=r"\.png"):
        save_mark(tmp_path / "logo.jpg", disc())
