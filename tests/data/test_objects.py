"""Things that pass before the camera belong to the clean clip."""

import numpy as np
import pytest
from PIL import Image

from mlx_vader.data import open_source
from mlx_vader.data.objects import SHARE, choose_objects, find_objects, load_object, pasted

SCENE = np.full((6, 48, 48, 3), 90, np.uint8)


@pytest.fixture
def folder(tmp_path):
    """One red disc on nothing, and one picture that is clear all over."""
    y, x = np.mgrid[:64, :64] - 31.5
    disc = np.zeros((64, 64, 4), np.uint8)
    disc[..., 0], disc[..., 3] = 255, 255 * (np.hypot(x, y) < 30)
    Image.fromarray(disc).save(tmp_path / "disc.png")
    Image.new("RGBA", (64, 64)).save(tmp_path / "clear.png")
    return tmp_path


def scenes(folder, keys=60):
    files, clips = find_objects(folder), []
    for key in range(keys):
        rng = np.random.default_rng(key)
        clips.append(pasted(SCENE, [load_object(file) for file in choose_objects(files, rng)], rng))
    return clips


def test_some_clips_get_objects_and_the_others_stay(folder):
    (folder / "clear.png").unlink()
    changed = [bool((clip != SCENE).any()) for clip in scenes(folder, 200)]
    # Some lie beside the picture.
    assert 0.5 * SHARE < np.mean(changed) < 1.2 * SHARE


def test_what_is_opaque_covers_the_scene_and_what_is_clear_leaves_it(folder):
    shown = np.stack(scenes(folder)).reshape(-1, 3).astype(int)
    red = np.abs(shown - [255, 0, 0]).max(axis=1) <= 1
    scene = (shown == 90).all(axis=1)
    # What is neither lies on the edge, and on the line between both colours: nothing dark shines through the alpha.
    share = (shown[~red & ~scene, 0] - 90) / 165
    assert np.abs(shown[~red & ~scene] - (90 + share[:, None] * [165, -90, -90])).max() <= 2
    assert red.mean() > 0.01
    assert (~red & ~scene).mean() < 0.02


def test_objects_move_and_follow_from_the_key(folder):
    first, again = scenes(folder), scenes(folder)
    np.testing.assert_array_equal(first, again)
    assert any((clip[0] != clip[-1]).any() for clip in first)


def test_only_training_clips_are_varied(folder, tmp_path):
    data = tmp_path / "data"
    for split in ("train", "val"):
        (data / split).mkdir(parents=True)
        Image.new("RGB", (120, 120), (90, 90, 90)).save(data / split / "grey.png")
    (data / "objects").mkdir()
    (folder / "disc.png").rename(data / "objects" / "disc.png")
    colours = {
        split: {tuple(open_source(data, split).clip(0, key, 1, 32)[0, 0, 0].tolist()) for key in range(30)}
        for split in ("train", "val")
    }
    assert len(colours["val"]) == 1
    assert len(colours["train"]) > 8


def test_objects_are_no_scenes(folder):
    for name in "ab":
        Image.new("RGB", (64, 64)).save(folder / f"{name}.jpg")
    (folder / "objects").mkdir()
    (folder / "disc.png").rename(folder / "objects" / "disc.png")
    (folder / "clear.png").unlink()
    found = open_source(folder, "train").items + open_source(folder, "val").items
    assert {item.name for item in found} == {"a.jpg", "b.jpg"}


def test_a_damaged_object_is_named_once_and_left_out(tmp_path):
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "broken.png").write_text("no picture")
    for name in "ab":
        Image.new("RGB", (64, 64)).save(tmp_path / f"{name}.png")
    source = open_source(tmp_path, "train")
    assert all(source.clip(0, key, 1, 32).std(axis=(0, 1, 2)).max() < 1e-6 for key in range(20))
    (line,) = source.skipped
    assert "broken.png cannot be read" in line
