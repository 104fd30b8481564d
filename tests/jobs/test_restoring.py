"""From file to file with `restore`: marks first, and then the whole picture, as far as it needs it."""

import json

import numpy as np
import pytest

from mlx_vader.errors import VaderError
from mlx_vader.jobs import video_job
from mlx_vader.jobs.clean import Interrupted, clean
from mlx_vader.metrics import psnr
from mlx_vader.video import write_image, write_video
from tests.jobs.conftest import frames_of
from tests.jobs.test_clean import stop_at
from tests.streaming.test_whole_picture import Smoothing, noisy, scene

LOSSLESS = {"codec": "ffv1", "clip_length": 4}
#: In the corner of the picture.
MARK = slice(8, 24), slice(8, 40)


@pytest.fixture(autouse=True)
def smoothing(monkeypatch):
    """Whatever network is asked for smooths."""
    backend = Smoothing()
    monkeypatch.setattr("mlx_vader.jobs.composition.load_backend", lambda *_, **__: backend)
    return backend


def written(path, clip):
    """A file that keeps every sample."""
    with write_video(path, frame_rate=25, codec="ffv1") as out:
        for rgb in clip:
            out.write(rgb)
    return path


@pytest.fixture
def clips(tmp_path):
    """A clip without and with noise."""
    return written(tmp_path / "clean.mkv", scene(1.0)), written(tmp_path / "noisy.mkv", noisy(scene(1.0), 10))


@pytest.fixture
def mask(tmp_path):
    """White on the mark."""
    picture = np.zeros_like(scene()[0])
    picture[MARK] = 1
    write_image(tmp_path / "mask.png", picture)
    return tmp_path / "mask.png"


def test_noise_goes(tmp_path, clips):
    (file,) = clean(clips[1], tmp_path / "out.mkv", find="none", restore="auto", **LOSSLESS).files
    clean_frames, noisy_frames, out = map(frames_of, (*clips, tmp_path / "out.mkv"))
    assert psnr(out, clean_frames) > psnr(noisy_frames, clean_frames) + 6
    report = json.loads(json.dumps(file.as_dict()))["restored"]
    assert report.keys() == {"network", "strength", "noise", "blockiness", "quantiser"}
    assert report["network"] == "degradations"
    assert report["strength"] > 0.8


def test_what_is_clean_stays_byte_for_byte(tmp_path, clips, smoothing):
    (file,) = clean(clips[0], tmp_path / "out.mkv", find="none", restore="auto").files
    assert file.copied
    assert (tmp_path / "out.mkv").read_bytes() == clips[0].read_bytes()
    assert file.as_dict()["restored"]["strength"] == 0
    assert not smoothing.calls


def test_the_mark_goes_and_the_rest_of_a_clean_clip_stays(tmp_path, clips, mask):
    options = {"mask": mask, "fill": "membrane", **LOSSLESS}
    clean(clips[0], tmp_path / "out.mkv", restore="auto", **options)
    clean(clips[0], tmp_path / "alone.mkv", **options)
    np.testing.assert_array_equal(frames_of(tmp_path / "out.mkv"), frames_of(tmp_path / "alone.mkv"))


def test_a_named_network_restores_all_once_the_mark_is_gone(tmp_path, clips, mask):
    options = {"mask": mask, "fill": "membrane", **LOSSLESS}
    clean(clips[1], tmp_path / "out.mkv", restore="degradations", **options)
    clean(clips[1], tmp_path / "alone.mkv", **options)
    clean(tmp_path / "alone.mkv", tmp_path / "then.mkv", find="none", restore="degradations", **LOSSLESS)
    out, then = frames_of(tmp_path / "out.mkv"), frames_of(tmp_path / "then.mkv")
    np.testing.assert_allclose(out, then, atol=1.01 / 255)


def test_an_interrupted_one_goes_on_where_it_stopped(tmp_path, clips, mask, monkeypatch):
    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 4)
    target = tmp_path / "out.mkv"
    options = {"mask": mask, "fill": "membrane", "restore": "auto", **LOSSLESS}
    clean(clips[1], tmp_path / "whole.mkv", **options)
    with pytest.raises(Interrupted):
        clean(clips[1], target, on_progress=stop_at(8, target), **options)
    (file,) = clean(clips[1], target, resume=True, **options).files
    assert file.resumed_at >= 4
    np.testing.assert_array_equal(frames_of(target), frames_of(tmp_path / "whole.mkv"))


def test_it_cannot_go_on_with_another_network(tmp_path, clips, monkeypatch):
    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 4)
    target, options = tmp_path / "out.mkv", {"find": "none", **LOSSLESS}
    with pytest.raises(Interrupted):
        clean(clips[1], target, restore="degradations", on_progress=stop_at(8, target), **options)
    with pytest.raises(VaderError, match="strength"):
        clean(clips[1], target, restore="auto", resume=True, **options)


def test_a_network_that_does_not_exist_is_refused(tmp_path, clips):
    with pytest.raises(VaderError, match="no checkpoint nothing"):
        clean(clips[1], tmp_path / "out.mkv", find="none", restore="nothing")
