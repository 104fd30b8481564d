"""What `clean` does as it is typed: it looks first, and where nothing is proven it changes nothing and says so."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlx_vader.backends.base import Outputs
from mlx_vader.errors import UsageError
from mlx_vader.jobs import composition, marking
from mlx_vader.jobs.clean import Interrupted, clean
from mlx_vader.jobs.weights import knows_overlays
from mlx_vader.masks.static.network import FINDER
from mlx_vader.masks.static.statistics import NAMES
from mlx_vader.video import open_video, probe, read_image, write_image, write_video
from tests.streaming.backends import Numpy

SIZE = 144, 192
LOGO = slice(16, 36), slice(132, 180)


class Painter(Numpy):
    """Takes what is nearly white for a mark, and paints it grey."""

    def _restore(self, frames, state, hint=None):
        from mlx_vader.backends import Restored

        mask = (frames.min(axis=-1, keepdims=True) > 0.9).astype(np.float32)
        return Restored(np.where(mask > 0, np.float32(0.5), frames), mask, None)


@pytest.fixture
def asked(monkeypatch):
    """A finder that marks what is bright in all frames, and `Painter`; which networks were loaded."""
    loaded = []

    def run(inputs):
        darkest, brightest, red = (
            inputs["statistics"][..., NAMES.index(name)] for name in ("darkest", "brightest", "red")
        )
        # The scene is dark, so that its negative is not.
        bright = darkest > 0.8 if red.mean() < 0 else brightest < -0.8
        return Outputs(
            {"mask": bright[..., None].astype(np.float32), "undecidable": np.zeros((1, 1), np.float32)}, None
        )

    def load(name, source):
        loaded.append(source)
        return SimpleNamespace(run=run) if source == FINDER else Painter(masks=True)

    monkeypatch.setattr(marking, "load_backend", load)
    monkeypatch.setattr(composition, "load_backend", load)
    return loaded


def video(path, *, moving, frames=40):
    """Dark noise, coarse enough to survive the codec, that changes or stays; with a white logo."""
    with write_video(path, frame_rate=25, crf=4) as out:
        for index in range(frames):
            random = np.random.default_rng(index if moving else 0)
            coarse = 0.6 * random.random((SIZE[0] // 8, SIZE[1] // 8, 3), dtype=np.float32)
            rgb = coarse.repeat(8, axis=0).repeat(8, axis=1)
            rgb[LOGO] = 1
            out.write(rgb)
    return path


def frames_of(path):
    with open_video(path) as opened:
        return np.stack([frame.rgb for frame in opened])


def luma_of(path):
    with open_video(path) as opened:
        return np.stack([np.array(frame.samples[0]) for frame in opened])


def test_a_logo_over_a_moving_scene_goes_and_the_rest_stays(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=True)
    report = clean(source, tmp_path / "out.mkv", codec="ffv1").files[0]
    assert report.finding.status == "found"
    assert [mark.treated for mark in report.finding.marks] == ["fill"]
    assert asked == [FINDER]
    assert not report.copied
    assert frames_of(tmp_path / "out.mkv")[:, 20:32, 140:172].max() < 0.75
    far = np.ones(SIZE, bool)
    far[4:48, 120:] = False
    assert np.array_equal(luma_of(source)[:, far], luma_of(tmp_path / "out.mkv")[:, far])


def test_on_a_still_scene_the_result_is_the_source_byte_for_byte(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=False)
    report = clean(source, tmp_path / "out.mp4").files[0]
    assert report.finding.status == "undecidable"
    assert report.finding.reason
    assert report.copied
    assert (tmp_path / "out.mp4").read_bytes() == source.read_bytes()
    assert report.candidates == tmp_path / "out.marks.png"
    assert read_image(report.candidates).shape == (*SIZE, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.marks.png", "out.mp4"]


def test_another_container_is_written_where_nothing_changes(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=False)
    report = clean(source, tmp_path / "out.mkv", codec="ffv1", preview=True).files[0]
    assert not report.copied
    assert np.array_equal(frames_of(source), frames_of(tmp_path / "out.mkv"))
    assert probe(report.preview).frames == 40


def test_find_network_takes_its_word(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=False)
    clean(source, tmp_path / "out.mkv", find="network", codec="ffv1")
    assert frames_of(tmp_path / "out.mkv")[:, 20:32, 140:172].max() < 0.75


def test_find_none_looks_for_no_mark(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=True)
    report = clean(source, tmp_path / "out.mkv", find="none", codec="ffv1").files[0]
    assert report.finding.status == "unasked"


def test_a_short_clip_and_a_picture_stay_as_they_are(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=True, frames=5)
    picture = frames_of(source)[0]
    write_image(tmp_path / "in.png", picture)
    assert clean(source, tmp_path / "out.mkv", codec="ffv1").files[0].finding.status == "undecidable"
    assert np.array_equal(frames_of(source), frames_of(tmp_path / "out.mkv"))
    report = clean(tmp_path / "in.png", tmp_path / "out.png").files[0]
    assert report.copied
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "in.png").read_bytes()
    clean(tmp_path / "in.png", tmp_path / "out.bmp")
    assert np.array_equal(read_image(tmp_path / "out.bmp"), read_image(tmp_path / "in.png"))


def test_an_interrupted_look_goes_on_where_it_stopped(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=True)
    looks = 0

    def stop(progress):
        nonlocal looks
        looks += progress.step != ""
        if looks == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as interrupted:
        clean(source, tmp_path / "out.mkv", on_progress=stop, codec="ffv1")
    assert interrupted.value.resume_at == 0

    def looked(target, **more):
        steps = []
        clean(source, target, codec="ffv1", on_progress=lambda now: steps.append(now.step), **more)
        return sum(step != "" for step in steps)

    again = looked(tmp_path / "out.mkv", resume=True)
    assert again < looked(tmp_path / "whole.mkv")
    assert np.array_equal(frames_of(tmp_path / "out.mkv"), frames_of(tmp_path / "whole.mkv"))


def test_a_mask_and_a_search_exclude_each_other(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=True, frames=2)
    write_image(tmp_path / "mask.png", np.zeros((*SIZE, 3), np.float32))
    with pytest.raises(UsageError, match="mask"):
        clean(source, tmp_path / "out.mp4", mask=tmp_path / "mask.png", find="network")


def test_weights_that_were_trained_without_overlays_look_for_none():
    assert knows_overlays("realtime")
    assert not knows_overlays("degradations")


def test_weights_that_know_no_overlays_leave_the_search_to_who_asks_for_it(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=True)
    typed = clean(source, tmp_path / "typed.mkv", codec="ffv1", checkpoint="degradations").files[0]
    assert typed.finding.status == "unasked"
    assert FINDER not in asked
    found = clean(source, tmp_path / "found.mkv", codec="ffv1", checkpoint="degradations", find="static")
    assert found.files[0].finding.status == "found"


def test_a_network_that_was_chosen_paints_what_was_found(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=True)
    report = clean(source, tmp_path / "out.mkv", codec="ffv1", checkpoint="realtime").files[0]
    assert [mark.treated for mark in report.finding.marks] == ["network"]
    assert asked == ["realtime", FINDER]


def test_a_mark_that_was_left_is_removed_when_it_is_chosen(tmp_path, asked):
    source = video(tmp_path / "in.mp4", moving=False)
    left = clean(source, tmp_path / "left.mkv", codec="ffv1").files[0]
    assert [mark.treated for mark in left.finding.marks] == ["left"]
    taken = clean(source, tmp_path / "taken.mkv", codec="ffv1", marks="1").files[0]
    assert [mark.treated for mark in taken.finding.marks] == ["fill"]
    assert taken.candidates is None
    assert frames_of(tmp_path / "taken.mkv")[:, 20:32, 140:172].max() < 0.75
    with pytest.raises(UsageError, match="no mark 2: 1 was found"):
        clean(source, tmp_path / "other.mkv", codec="ffv1", marks="2")
    assert not (tmp_path / "other.mkv").exists()


@pytest.mark.parametrize("other", [{"find": "network"}, {"find": "none"}, {"box": "0,0,9,9"}])
def test_a_choice_among_marks_that_are_not_looked_for_is_refused(tmp_path, asked, other):
    source = video(tmp_path / "in.mp4", moving=True, frames=2)
    with pytest.raises(UsageError, match="--marks"):
        clean(source, tmp_path / "out.mp4", marks="1", **other)
