"""A file and a folder appear under their name when they are complete, and not at all where that fails."""

from contextlib import suppress

import pytest

from mlx_vader.errors import VaderError
from mlx_vader.writing import (
    PARTIAL_MARK,
    check_folder,
    companion,
    folder_written_beside,
    partial_path,
    write_file,
    written_beside,
)


def test_a_file_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "a" / "b.txt"
    write_file(target, b"old")
    with written_beside(target) as partial:
        partial.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["b.txt"]


def test_what_fails_leaves_the_file_that_was_there(tmp_path):
    target = tmp_path / "b.txt"
    target.write_bytes(b"old")
    with suppress(ZeroDivisionError), written_beside(target) as partial:
        partial.write_bytes(b"half")
        raise ZeroDivisionError
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "b.txt").write_bytes(b"old")
    _filled(tmp_path / "far" / "net.mlpackage", "old")
    for name in ("b.txt", "net.mlpackage"):
        (tmp_path / name).symlink_to(tmp_path / "far" / name)
    write_file(tmp_path / "b.txt", b"new")
    with folder_written_beside(tmp_path / "net.mlpackage") as partial:
        _filled(partial, "new")
    assert (tmp_path / "far" / "b.txt").read_bytes() == b"new"
    assert (tmp_path / "far" / "net.mlpackage" / "data" / "weights").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_symlink()) == ["b.txt", "net.mlpackage"]
    assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["b.txt", "net.mlpackage"]


def _filled(folder, text):
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "weights").write_text(text)


def test_a_folder_replaces_the_one_before(tmp_path):
    target = tmp_path / "net.mlpackage"
    for text in ("old", "new"):
        with folder_written_beside(target) as partial:
            assert partial.suffix == ".mlpackage"
            _filled(partial, text)
    assert (target / "data" / "weights").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["net.mlpackage"]


def test_a_folder_that_fails_leaves_the_one_before(tmp_path):
    target = tmp_path / "net.mlpackage"
    _filled(target, "old")
    with suppress(ZeroDivisionError), folder_written_beside(target) as partial:
        _filled(partial, "half")
        raise ZeroDivisionError
    assert (target / "data" / "weights").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VaderError, match="cannot be written") as error:
        write_file(tmp_path / "file" / "b.txt", b"")
    assert error.value.hint


def test_unfinished_files_are_marked_and_keep_their_suffix(tmp_path):
    partial = partial_path(tmp_path / "clip.mp4")
    assert PARTIAL_MARK in partial.name
    assert partial.name.startswith(".")
    assert partial.suffix == ".mp4"


@pytest.mark.parametrize("stem", ["a" * 251, "é" * 125], ids=["ascii", "two bytes each"])
def test_names_as_long_as_the_disk_allows_are_written(tmp_path, stem):
    target = tmp_path / f"{stem}.mp4"
    write_file(target, b"whole")
    assert target.read_bytes() == b"whole"
    companion(target, ".vader").mkdir()
    assert partial_path(target).suffix == ".mp4"


def test_companions_of_two_targets_are_two(tmp_path):
    one, other = (companion(tmp_path / f"{'a' * 247}{end}.mp4", ".vader") for end in "bc")
    assert one != other
    assert companion(tmp_path / "clip.mp4", ".vader").name == ".clip.mp4.vader"


@pytest.mark.parametrize("place", ["file", "file/run", "/proc/run"])
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(VaderError, match="cannot be written") as error:
        check_folder(tmp_path / place)
    assert error.value.hint


def test_a_folder_may_hold_a_link_that_leads_nowhere(tmp_path):
    with folder_written_beside(tmp_path / "package") as partial:
        partial.mkdir()
        (partial / "link").symlink_to("nothing")
    assert (tmp_path / "package" / "link").is_symlink()
