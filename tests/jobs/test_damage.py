"""A source that is damaged here and there: its frames are counted and named, also over an interruption."""

import numpy as np
import pytest

from mlx_vader import cli
from mlx_vader.jobs import video_job
from mlx_vader.jobs.clean import Interrupted, clean
from mlx_vader.video import probe, write_image
from tests.damaged_clip import DAMAGED, make_damaged
from tests.jobs.conftest import times_of
from tests.jobs.test_clean import stop_at


@pytest.fixture(scope="module")
def damaged(tmp_path_factory, carphone):
    return make_damaged(tmp_path_factory.mktemp("damaged") / "clip.mp4", carphone)


@pytest.mark.parametrize("stop", [None, 20])
def test_damaged_frames_are_reported_with_their_times(damaged, tmp_path, network, stop, monkeypatch):
    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 8)
    target = tmp_path / "out.mp4"
    job = {"checkpoint": network, "clip_length": 4, "find": "network"}
    if stop is not None:
        with pytest.raises(Interrupted):
            clean(damaged, target, on_progress=stop_at(stop, target), **job)
    (report,) = clean(damaged, target, resume=stop is not None, **job).files
    assert (report.resumed_at > 0) == (stop is not None)
    assert report.damaged == tuple(number / 25 for number in DAMAGED)
    assert report.as_dict()["damaged"] == report.damaged
    assert probe(target).frames == 30
    assert times_of(target) == times_of(damaged)


def test_the_command_says_how_many_frames_are_damaged_and_where(damaged, tmp_path, capsys):
    write_image(tmp_path / "mask.png", np.pad(np.ones((8, 8, 3), np.float32), ((20, 44), (20, 60), (0, 0))))
    options = ["-o", str(tmp_path / "out.mp4"), "--mask", str(tmp_path / "mask.png"), "--fill", "membrane"]
    assert cli.run(["clean", str(damaged), *options]) == 0
    assert f"note: {damaged}: 3 of 30 frames are damaged, at 0.12 to 0.16, 1.00 s" in capsys.readouterr().err


def test_damage_that_was_seen_is_reported_of_a_copied_file_too(damaged, tmp_path, network):
    (report,) = clean(damaged, tmp_path / "out.mp4", checkpoint=network).files
    assert report.copied
    assert report.damaged
    assert set(report.damaged) <= {number / 25 for number in DAMAGED}
