"""Which file is for training and which for validation."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.data.folders import media_files, split_by_name
from mlx_vader.errors import VaderError

names = st.sets(st.from_regex(r"[a-z0-9]{1,8}\.(mp4|png)", fullmatch=True), min_size=2, max_size=80)


def paths(chosen):
    return sorted(Path("folder") / name for name in chosen)


@given(names)
def test_a_flat_split_is_disjoint_complete_and_has_both_sides(chosen):
    sides = split_by_name(paths(chosen))
    assert sorted(sides["train"] + sides["val"]) == paths(chosen)
    assert sides["train"]
    assert sides["val"]


@given(st.integers(0, 10_000))
def test_a_file_keeps_its_side_when_others_come(first):
    before = [Path(f"{index}.png") for index in range(first, first + 200)]
    after = before + [Path(f"new{index}.png") for index in range(50)]
    old, new = split_by_name(before), split_by_name(sorted(after))
    for side in ("train", "val"):
        assert set(old[side]) <= set(new[side])


def test_about_one_file_in_twenty_is_for_validation():
    sides = split_by_name([Path(f"{index}.png") for index in range(4000)])
    assert 150 < len(sides["val"]) < 250


def test_the_side_does_not_depend_on_where_the_folder_is():
    here = split_by_name([Path("here") / f"{index}.png" for index in range(100)])
    there = split_by_name([Path("there/deep") / f"{index}.png" for index in range(100)])
    assert [file.name for file in here["val"]] == [file.name for file in there["val"]]


def test_train_and_val_folders_are_taken_at_their_word(tmp_path):
    for name in (
        "train/a.png",
        "train/deep/b.MP4",
        "train/.hidden.png",
        "train/notes.txt",
        "val/c.jpg",
        "d.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert media_files(tmp_path, "train") == [tmp_path / "train/a.png", tmp_path / "train/deep/b.MP4"]
    assert media_files(tmp_path, "val") == [tmp_path / "val/c.jpg"]


def test_a_folder_without_media_says_what_it_should_hold(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(VaderError, match="no video or image") as raised:
        media_files(tmp_path, "train")
    assert "train/ and val/" in raised.value.hint


def test_a_folder_with_training_only_says_that_validation_is_missing(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train/a.png").touch()
    with pytest.raises(VaderError, match="val"):
        media_files(tmp_path, "val")


def test_one_file_alone_cannot_be_split(tmp_path):
    (tmp_path / "only.mp4").touch()
    with pytest.raises(VaderError, match=r"only\.mp4 is the only"):
        media_files(tmp_path, "train")


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"0")
    with pytest.raises(VaderError, match="not a folder"):
        media_files(tmp_path / "clip.mp4", "train")
