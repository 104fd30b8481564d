"""What a run reads is never written, and two results never go to one place, whatever the paths are called."""

import os
import sys

import pytest

from mlx_vader.errors import UsageError
from mlx_vader.overwriting import check_overwriting


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """`a.mp4`, a symbolic and a hard link to it, a package with a file in it; the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"film")
    (tmp_path / "link.mp4").symlink_to("a.mp4")
    os.link("a.mp4", "hard.mp4")
    (tmp_path / "net.mlpackage" / "Data").mkdir(parents=True)
    (tmp_path / "net.mlpackage" / "Data" / "weights").write_bytes(b"0")
    (tmp_path / "here").symlink_to(".")
    return tmp_path


@pytest.mark.parametrize("written", ["a.mp4", "./a.mp4", "link.mp4", "hard.mp4", "here/a.mp4", "{}/a.mp4"])
def test_what_is_read_is_not_written(folder, written):
    with pytest.raises(UsageError, match="overwritten") as error:
        check_overwriting(["b.mp4", "a.mp4"], ["c.mp4", written.format(folder)])
    assert "a.mp4" in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    "pair", [("b.json", "./b.json"), ("b.json", "here/b.json"), ("link.mp4", "hard.mp4")]
)
def test_two_results_do_not_go_to_one_place(folder, pair):
    with pytest.raises(UsageError, match="both"):
        check_overwriting([], pair)


@pytest.mark.parametrize(
    ("reads", "writes", "replaced"),
    [
        (["net.mlpackage"], ["net.mlpackage/Data/weights"], []),
        (["net.mlpackage/Data/weights"], [], ["net.mlpackage"]),
        (["net.mlpackage"], [], ["net.mlpackage"]),
        ([], ["net.mlpackage/report.json"], ["net.mlpackage"]),
        ([], [], ["net.mlpackage", "net.mlpackage/Data"]),
        ([], ["new.mlpackage"], ["new.mlpackage"]),
        (["a.mp4"], [], ["hard.mp4"]),
    ],
)
def test_folders_count_with_all_that_is_in_them(folder, reads, writes, replaced):
    with pytest.raises(UsageError):
        check_overwriting(reads, writes, replaced_folders=replaced)


@pytest.mark.parametrize(
    ("reads", "writes", "replaced"),
    [
        (["a.mp4"], ["b.mp4", "b.json", "-", None, ""], [".b.mp4.vader"]),
        (["a.mp4"], [], []),
        (["-", None], ["-", "-"], [None]),
        ([], ["/dev/null", "/dev/null"], []),
        (["/dev/null"], ["/dev/null"], []),
        (["net.mlpackage"], ["net.json"], ["other.mlpackage"]),
        (["nowhere.mp4"], ["b.mp4"], []),
    ],
)
def test_all_else_is_allowed(folder, reads, writes, replaced):
    check_overwriting(reads, writes, replaced_folders=replaced)


def test_names_that_differ_in_case_are_one_on_macos(folder, monkeypatch):
    check_overwriting([], ["out/Clip.mp4", "out/clip.mp4"])
    monkeypatch.setattr(sys, "platform", "darwin")
    for pair in (("out/Clip.mp4", "out/clip.mp4"), ("out/é.mp4", "out/e\N{COMBINING ACUTE ACCENT}.mp4")):
        with pytest.raises(UsageError, match="both"):
            check_overwriting([], pair)


def test_links_in_a_circle_are_no_reason_to_fail(folder):
    (folder / "x.mp4").symlink_to("y.mp4")
    (folder / "y.mp4").symlink_to("x.mp4")
    check_overwriting(["a.mp4"], ["x.mp4"])
