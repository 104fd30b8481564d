"""Overlays look alike over time, move when they should, and their masks say where, not how opaque."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlx_vader.artifacts import GROUPS, apply, spoil
from mlx_vader.artifacts.drawing.compose import in_corner, reference_length
from mlx_vader.artifacts.drawing.motion import random_path
from mlx_vader.artifacts.drawing.shapes import SHAPES, shape_cover
from mlx_vader.artifacts.drawing.stamp import Finish, fit_within, ink, solid, turned, warped
from mlx_vader.artifacts.vocabulary import vocabulary
from mlx_vader.errors import VaderError

GREY = np.full((6, 128, 128, 3), 0.5, np.float32)
KEYS = range(12)


@pytest.mark.parametrize("name", ["corner_logo", "diagonal_text"])
def test_still_overlays_stand_still(name: str) -> None:
    for key in KEYS:
        frames, mask, *_ = apply(name, GREY, key)
        assert np.array_equal(frames[0], frames[-1])
        assert np.array_equal(mask[0], mask[-1])


def test_moving_logos_move() -> None:
    moved = [not np.array_equal(*apply("moving_logo", GREY, key).mask[[0, -1]]) for key in KEYS]
    assert sum(moved) > len(KEYS) // 2


def test_channel_logos_are_animated_in_one_of_several_ways() -> None:
    clip = np.full((40, 96, 96, 3), 0.4, np.float32)
    animated = [not np.array_equal(*apply("channel_logo", clip, key).frames[[0, 20]]) for key in KEYS]
    assert 0 < sum(animated) < len(KEYS) + 1
    assert any(animated)


@pytest.mark.parametrize("name", GROUPS["overlays"])
def test_the_mask_does_not_depend_on_opacity(name: str) -> None:
    for key in KEYS:
        faint, solid_one = (apply(name, GREY, key, severity=severity).mask for severity in (0.1, 1.0))
        assert np.mean(np.abs((faint > 0.5).astype(int) - (solid_one > 0.5))) < 0.05


@pytest.mark.parametrize("name", GROUPS["overlays"])
def test_more_severe_is_more_opaque(name: str) -> None:
    change = [
        np.mean([np.abs(apply(name, GREY, key, severity=severity).frames - GREY).sum() for key in KEYS])
        for severity in (0.0, 0.5, 1.0)
    ]
    assert change == sorted(change)


@pytest.mark.parametrize("name", GROUPS["overlays"])
@pytest.mark.parametrize(("height", "width"), [(128, 128), (720, 1280), (360, 200)])
def test_overlays_cover_a_sensible_part_of_the_frame(name: str, height: int, width: int) -> None:
    frame = np.full((1, height, width, 3), 0.3, np.float32)
    parts = [apply(name, frame, key).mask.mean() for key in range(6)]
    assert min(parts) > 0.0005
    assert max(parts) < 0.7


def test_sizes_grow_with_the_square_root_of_the_frame() -> None:
    assert reference_length(128, 128) == pytest.approx(128)
    assert reference_length(512, 900) == pytest.approx(256)


def test_paths_stay_inside_for_hours_and_do_not_depend_on_the_past() -> None:
    for key in range(40):
        path = random_path(np.random.default_rng(key), 100, 200, (10, 8))
        again = random_path(np.random.default_rng(key), 100, 200, (10, 8))
        for time in (0, 1, 7, 60, 90_000):
            pose = path(time)
            assert 10 <= pose.x <= 190
            assert 8 <= pose.y <= 92
            assert pose == again(time)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_fill_their_box_and_stay_in_it(shape: str) -> None:
    cover = np.asarray(shape_cover(shape, 60)) / 255
    assert 0.2 < cover.mean() < 1
    assert ((cover > 0) & (cover < 1)).any(), "edges are antialiased"


def test_outline_and_shadow_enlarge_a_stamp_and_colours_never_exceed_alpha() -> None:
    artwork = solid(shape_cover("disc", 40), "#ff8800")
    plain = ink(artwork, Finish())
    rich = ink(artwork, Finish(outline=2, shadow=0.8, shadow_offset=(3, 3), shadow_blur=2, softness=0.8))
    glass = ink(artwork, Finish(relief=0.8))
    assert (rich[..., 3] > 0.01).sum() > 1.2 * (plain[..., 3] > 0.01).sum()
    for stamp in (plain, rich, glass, turned(rich, 30)):
        assert (stamp[..., :3] <= stamp[..., 3:] + 1e-6).all()
        assert stamp.min() >= 0
        assert stamp.max() <= 1 + 1e-6


def test_warping_moves_by_fractions_of_a_pixel() -> None:
    stamp = ink(solid(shape_cover("disc", 30), "#ffffff"), Finish())
    for x, y in ((50.0, 40.0), (50.25, 40.5), (50.75, 39.6)):
        patch = warped(stamp, x, y, (1, 1), 0)
        alpha = patch.stamp[..., 3]
        rows, columns = np.mgrid[: alpha.shape[0], : alpha.shape[1]] + 0.5
        assert patch.left + (alpha * columns).sum() / alpha.sum() == pytest.approx(x, abs=0.06)
        assert patch.top + (alpha * rows).sum() / alpha.sum() == pytest.approx(y, abs=0.06)


def test_corners_are_where_they_say() -> None:
    stamp = np.ones((10, 20, 4), np.float32)
    assert in_corner(stamp, "bottom right", 100, 200, 5)[:2] == (85, 175)
    assert in_corner(stamp, "top left", 100, 200, 5)[:2] == (5, 5)
    assert in_corner(stamp, "bottom", 100, 200, 5)[:2] == (85, 90)
    assert in_corner(stamp, "centre", 100, 200, 5)[:2] == (45, 90)


def test_artwork_that_is_too_large_is_made_smaller() -> None:
    assert fit_within(Image.new("RGBA", (200, 50)), 100, 100).size == (100, 25)
    assert fit_within(Image.new("RGBA", (20, 50)), 100, 100).size == (20, 50)


def test_training_and_validation_share_no_word_icon_shape_palette_or_font() -> None:
    train, val = vocabulary("train"), vocabulary("val")
    for kind in (
        "syllables",
        "brands",
        "stamps",
        "channels",
        "badges",
        "domains",
        "tags",
        "icons",
        "shapes",
        "palettes",
    ):
        assert not set(getattr(train, kind)) & set(getattr(val, kind)), kind
    assert not {font.path for font in train.fonts} & {font.path for font in val.fonts}
    train_lines, val_lines = (
        {line for lines in words.lines.values() for line in lines} for words in (train, val)
    )
    assert not train_lines & val_lines


@pytest.mark.parametrize("name", ["train", "val"])
def test_every_shape_is_known_and_every_script_has_a_font(name: str) -> None:
    words = vocabulary(name)
    assert set(words.shapes) <= set(SHAPES)
    for script in words.lines:
        assert all(script in font.scripts for font in words.fonts_for("plain", script=script))
    assert all(Path(font.path).is_file() for font in words.fonts)


@pytest.fixture
def logos(tmp_path: Path) -> Path:
    """Forty green pictures with alpha, one broken and one opaque file."""
    for index in range(40):
        art = Image.new("RGBA", (50, 40), (0, 0, 0, 0))
        art.paste((0, 255, 0, 255), (5 + index % 5, 8, 40, 30))
        art.save(tmp_path / f"logo{index}.png")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    Image.new("RGB", (40, 40)).save(tmp_path / "opaque.png")
    return tmp_path


def test_logos_come_from_a_folder_when_one_is_given(logos: Path) -> None:
    changes = [
        apply("corner_logo", GREY[:1], key, severity=1.0, logos=logos).frames - GREY[:1] for key in range(30)
    ]
    green = [change for change in changes if (change[..., 1] > 0.2).any() and change[..., 0].max() < 0.05]
    assert 4 <= len(green) <= 24


def test_a_folder_without_logos_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(VaderError, match="no PNG files"):
        [apply("corner_logo", GREY[:1], key, logos=tmp_path) for key in KEYS]
    with pytest.raises(VaderError, match="not a folder"):
        [spoil(GREY[:1], key, "corner_logo", logos=tmp_path / "nowhere") for key in KEYS]
