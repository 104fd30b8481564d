"""Clips out of photographs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mlx_vader.data import stills
from mlx_vader.data.stills import check_still, clip_from_still, load_still
from mlx_vader.errors import VaderError


def photograph(height=300, width=500):
    """Smooth detail at several scales, nowhere darker than 60."""
    noise = np.random.default_rng(0).uniform(60, 255, (3, height // 12, width // 12, 3)).astype(np.uint8)
    layers = [Image.fromarray(layer).resize((width, height), Image.Resampling.BICUBIC) for layer in noise]
    return np.clip(np.mean([np.asarray(layer) for layer in layers], axis=0), 60, 255).astype(np.uint8)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**63),
    st.integers(1, 9),
    st.sampled_from([32, 64, 96]),
    st.integers(20, 300),
    st.integers(20, 300),
)
def test_no_frame_has_a_border_whatever_the_size_of_the_photograph(key, length, size, height, width):
    clip = clip_from_still(photograph(300, 300)[:height, :width], np.random.default_rng(key), length, size)
    assert clip.shape == (length, size, size, 3)
    # Lanczos may undershoot a little; a border would be black.
    assert clip.min() > 30


def test_frames_move_but_do_not_jump():
    still = photograph()
    changes = []
    for key in range(40):
        clip = clip_from_still(still, np.random.default_rng(key), 6, 64).astype(float)
        changes.append(np.abs(np.diff(clip, axis=0)).mean(axis=(1, 2, 3)))
    moving = np.array([change.min() > 0.1 for change in changes])
    assert moving.mean() > 0.7
    assert np.max(changes) < 20


def test_where_the_camera_is_shows_in_the_picture():
    """A photograph whose colours are its coordinates: from frame to frame its middle moves less than the bound."""
    y, x = np.mgrid[0:250, 0:250]
    still = np.stack([x, y, 0 * x + 128], axis=-1).astype(np.uint8)
    for key in range(30):
        clip = clip_from_still(still, np.random.default_rng(key), 8, 48).astype(float)
        middle = clip[:, 20:28, 20:28, :2].mean(axis=(1, 2))
        steps = np.linalg.norm(np.diff(middle, axis=0), axis=1)
        # Twice the pan (parallax) and twice the shake, at 3 photograph pixels a pixel; rounding to 1/255.
        assert steps.max() < 3 * 48 * (2 * 0.04 + 2 * np.sqrt(2) * 2 * 0.012) + 1


def test_detail_finer_than_the_frame_is_averaged_and_not_aliased(monkeypatch):
    monkeypatch.setattr(stills, "SMALLEST_SCALE", 2.5)
    monkeypatch.setattr(stills, "LARGEST_SCALE", 2.5001)
    checkers = np.repeat(np.indices((400, 400)).sum(0)[..., None] % 2 * 255, 3, axis=-1).astype(np.uint8)
    clip = clip_from_still(checkers, np.random.default_rng(3), 4, 64)
    assert clip.astype(float).std() < 4


def test_the_same_key_gives_the_same_clip_and_another_key_another_one():
    still = photograph()
    first, same, other = (clip_from_still(still, np.random.default_rng(key), 3, 64) for key in (5, 5, 6))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_a_photograph_is_upright_small_and_without_alpha(tmp_path):
    image = Image.new("RGBA", (2400, 1200), (200, 10, 10, 255))
    image.convert("RGB").save(tmp_path / "turned.jpg", exif=turned_by_ninety())
    image.save(tmp_path / "alpha.png")
    assert load_still(tmp_path / "turned.jpg").shape[:2] == (1600, 800)
    assert load_still(tmp_path / "alpha.png").shape == (800, 1600, 3)


def turned_by_ninety():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_what_cannot_be_read_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    Image.fromarray(photograph()).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:3000])
    Image.new("RGB", (8, 100)).save(tmp_path / "narrow.png")
    with pytest.raises(VaderError, match=r"text\.jpg"):
        check_still(tmp_path / "text.jpg")
    with pytest.raises(VaderError, match=r"narrow\.png is only 8"):
        check_still(tmp_path / "narrow.png")
    with pytest.raises(VaderError, match=r"cut\.jpg"):
        load_still(tmp_path / "cut.jpg")
