"""What `clean` refuses before any work: one line, nothing written."""

import os

import numpy as np
import pytest

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.jobs import video_job
from mlx_vader.jobs.clean import clean


@pytest.fixture
def refuses(tmp_path, small_clip, network):
    def check(kind, match, source=small_clip, target="out.mp4", **options):
        there = sorted(tmp_path.rglob("*"))
        with pytest.raises(kind, match=match) as error:
            clean(source, tmp_path / target, **{"checkpoint": network, "find": "network", **options})
        assert "\n" not in error.value.message
        assert sorted(tmp_path.rglob("*")) == there

    return check


def test_a_missing_source(refuses, tmp_path):
    refuses(VaderError, "nowhere.mp4", source=tmp_path / "nowhere.mp4")


def test_a_source_that_is_no_video(refuses, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    refuses(VaderError, "text.mp4", source=tmp_path / "text.mp4")


def test_an_empty_source(refuses, tmp_path):
    (tmp_path / "empty.mp4").touch()
    refuses(VaderError, "empty", source=tmp_path / "empty.mp4")


def test_a_truncated_source(refuses, tmp_path, carphone):
    (tmp_path / "cut.mp4").write_bytes(carphone.read_bytes()[:50_000])
    refuses(VaderError, "cut", source=tmp_path / "cut.mp4")


def test_an_unknown_kind_of_source(refuses, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    refuses(UsageError, "notes.txt", source=tmp_path / "notes.txt")


def test_an_empty_folder(refuses, tmp_path):
    (tmp_path / "in").mkdir()
    refuses(VaderError, "no video", source=tmp_path / "in", target="out")


def test_the_source_as_target(refuses, tmp_path, small_clip):
    os.link(small_clip, tmp_path / "clip.mkv")
    refuses(UsageError, "overwritten", source=tmp_path / "clip.mkv", target="clip.mkv")


def test_a_missing_folder_for_the_target(refuses):
    refuses(UsageError, "missing", target="missing/out.mp4")


def test_a_target_of_another_kind(refuses):
    refuses(UsageError, "png", target="out.png")


def test_a_target_without_suffix(refuses):
    refuses(UsageError, "no suffix", target="out")


def test_a_codec_that_does_not_exist(refuses):
    refuses(UsageError, "codec", codec="magic")


def test_a_codec_that_the_container_cannot_hold(refuses):
    refuses(UsageError, "webm", target="out.webm", codec="libx264")


def test_a_crf_out_of_range(refuses):
    refuses(UsageError, "crf", crf=99)


def test_a_missing_checkpoint(refuses):
    refuses(VaderError, "nowhere.safetensors", checkpoint="nowhere.safetensors")


def test_a_foreign_checkpoint(refuses, tmp_path):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "foreign.safetensors")
    refuses(VaderError, "foreign.safetensors", checkpoint=tmp_path / "foreign.safetensors")


def test_a_checkpoint_that_is_something_else(refuses, tmp_path):
    (tmp_path / "net.safetensors").write_text("hello")
    refuses(VaderError, "net.safetensors", checkpoint=tmp_path / "net.safetensors")


def test_an_unknown_backend(refuses):
    refuses(UsageError, "backend", backend="magic")


def test_an_unknown_strategy(refuses):
    refuses(UsageError, "strategy", strategy="magic")


def test_an_overlap_as_long_as_the_clip(refuses):
    refuses(UsageError, "overlap", clip_length=4, overlap=4)


def test_a_missing_mask(refuses):
    refuses(UsageError, "mask", mask="nowhere.png")


def test_two_sources_with_one_target(refuses, tmp_path, small_clip):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        os.link(small_clip, tmp_path / folder / "clip.mkv")
    refuses(UsageError, "both", source=[tmp_path / "a", tmp_path / "b"], target="out")


def test_a_full_disk(refuses, monkeypatch):
    monkeypatch.setattr(video_job.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1536})())
    refuses(VaderError, r"1.5 KiB are free for .*, which will need about \d+(\.\d)? KiB")
