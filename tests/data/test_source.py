"""A folder as a source of clips."""

import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from mlx_vader.data import dummy_source, open_source
from mlx_vader.data.footage import Stretch
from mlx_vader.errors import VaderError


@pytest.fixture
def folder(tmp_path, carphone):
    """A video and two photographs, and three files that cannot be read, one of them only to the end."""
    for index, split in enumerate(("train", "train", "val")):
        (tmp_path / split).mkdir(exist_ok=True)
        picture = np.random.default_rng(index).integers(0, 255, (20, 30, 3), dtype=np.uint8)
        image = Image.fromarray(picture).resize((300, 200))
        image.save(tmp_path / split / f"photo{index}.jpg")
    train = tmp_path / "train"
    shutil.copyfile(carphone, train / "phone.mp4")
    (train / "renamed.mp4").write_text("no video")
    (train / "renamed.png").write_text("no picture")
    (train / "cut.jpg").write_bytes((train / "photo0.jpg").read_bytes()[:2000])
    return tmp_path


def test_videos_are_items_by_the_stretch_and_photographs_by_the_file(folder):
    items = open_source(folder).items
    assert sum(isinstance(item, Stretch) for item in items) == 7
    assert {item.name for item in items if not isinstance(item, Stretch)} == {
        "cut.jpg",
        "photo0.jpg",
        "photo1.jpg",
    }


def test_clips_are_what_they_say(folder):
    source = open_source(folder)
    for index in range(len(source)):
        clip = source.clip(index, key=index, length=5, size=64)
        assert clip.shape == (5, 64, 64, 3)
        assert clip.dtype == np.float32
        assert 0 <= clip.min() < clip.max() <= 1


def test_a_file_that_cannot_be_read_is_listed_once(folder):
    source = open_source(folder)
    assert len(source.skipped) == 2
    for _ in range(2):
        for index in range(len(source)):
            source.clip(index, 0, 2, 32)
    assert len(source.skipped) == 3
    for name in ("renamed.mp4", "renamed.png", "cut.jpg"):
        assert sum(name in line for line in source.skipped) == 1


def test_a_clip_depends_on_its_number_and_key_and_not_on_what_was_read_before(folder):
    fresh, used = open_source(folder), open_source(folder)
    for index in reversed(range(len(used))):
        used.clip(index, 1, 4, 32)
    for index in range(len(fresh)):
        np.testing.assert_array_equal(fresh.clip(index, 7, 4, 32), used.clip(index, 7, 4, 32))


def test_a_source_travels_to_another_process_without_its_pictures(folder):
    source = open_source(folder)
    clip = source.clip(0, 3, 3, 32)
    packed = pickle.dumps(source)
    assert len(packed) < 10_000
    np.testing.assert_array_equal(pickle.loads(packed).clip(0, 3, 3, 32), clip)


def test_a_folder_in_which_nothing_can_be_read_is_an_error(tmp_path):
    for name in ("a.mp4", "b.png", "c.jpg"):
        (tmp_path / name).write_text("nothing")
    with pytest.raises(VaderError, match=r"no file in .* can be read"):
        open_source(tmp_path, "train")


def test_a_folder_whose_pictures_are_all_damaged_is_an_error_and_no_endless_search(folder):
    for name in ("phone.mp4", "photo0.jpg", "photo1.jpg"):
        (folder / "train" / name).unlink()
    source = open_source(folder)
    with pytest.raises(VaderError, match="none of the training files"):
        source.clip(0, 0, 2, 32)


def test_drawn_scenes_move_and_are_the_same_everywhere():
    source = dummy_source()
    clip = source.clip(3, 9, 4, 48)
    assert clip.shape == (4, 48, 48, 3)
    assert clip.dtype == np.float32
    assert 0 <= clip.min() < clip.max() <= 1
    assert np.abs(np.diff(clip, axis=0)).mean(axis=(1, 2, 3)).min() > 1e-3
    np.testing.assert_array_equal(clip, dummy_source().clip(3, 9, 4, 48))
    assert (clip != dummy_source("val").clip(3, 9, 4, 48)).any()
