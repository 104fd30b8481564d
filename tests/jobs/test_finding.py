"""What `clean` does as it is typed: it looks first, and where nothing is proven it changes nothing and says so."""

import numpy as np
import pytest

from mlx_vader.jobs import composition
from mlx_vader.jobs.clean import Interrupted, clean
from mlx_vader.masks.persistent import LOOKS
from mlx_vader.video import open_video, probe, read_image, write_image, write_video
from tests.streaming.backends import Numpy

SIZE = 72, 96
LOGO = slice(8, 18), slice(66, 90)


class Painter(Numpy):
    """Takes what is nearly white for a mark, and paints it grey."""

    calls = 0

    def _restore(self, frames, state, hint=None):
        from mlx_vader.backends import Restored

        self.calls += 1
        mask = (frames.min(axis=-1, keepdims=True) > 0.9).astype(np.float32)
        return Restored(np.where(mask > 0, np.float32(0.5), frames), mask, None)


@pytest.fixture
def painter(monkeypatch):
    made = Painter(masks=True)
    monkeypatch.setattr(composition, "load_backend", lambda *_: made)
    monkeypatch.setattr(composition, "_knows_overlays", lambda _: True)
    return made


def video(path, *, moving, frames=40):
    """Dark noise, coarse enough to survive the codec, that changes or stays; with a white logo."""
    with write_video(path, frame_rate=25, crf=4) as out:
        for index in range(frames):
            random = np.random.default_rng(index if moving else 0)
            coarse = 0.6 * random.random((SIZE[0] // 4, SIZE[1] // 4, 3), dtype=np.float32)
            rgb = coarse.repeat(4, axis=0).repeat(4, axis=1)
            rgb[LOGO] = 1
            out.write(rgb)
    return path


def frames_of(path):
    with open_video(path) as opened:
        return np.stack([frame.rgb for frame in opened])


def luma_of(path):
    with open_video(path) as opened:
        return np.stack([np.array(frame.samples[0]) for frame in opened])


def test_a_logo_over_a_moving_scene_goes_and_the_rest_stays(tmp_path, painter):
    source = video(tmp_path / "in.mp4", moving=True)
    report = clean(source, tmp_path / "out.mkv", codec="ffv1").files[0]
    assert report.finding.status == "found"
    assert [mark.treated for mark in report.finding.marks] == ["network"]
    assert not report.copied
    assert frames_of(tmp_path / "out.mkv")[:, 11:15, 70:86].max() < 0.75
    far = np.ones(SIZE, bool)
    far[2:26, 58:] = False
    assert np.array_equal(luma_of(source)[:, far], luma_of(tmp_path / "out.mkv")[:, far])


def test_on_a_still_scene_the_result_is_the_source_byte_for_byte(tmp_path, painter):
    source = video(tmp_path / "in.mp4", moving=False)
    report = clean(source, tmp_path / "out.mp4").files[0]
    assert report.finding.status == "undecidable"
    assert report.finding.reason
    assert report.copied
    assert (tmp_path / "out.mp4").read_bytes() == source.read_bytes()
    assert report.candidates == tmp_path / "out.marks.png"
    assert read_image(report.candidates).shape == (*SIZE, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.marks.png", "out.mp4"]


def test_another_container_is_written_without_asking_the_network_again(tmp_path, painter):
    source = video(tmp_path / "in.mp4", moving=False)
    report = clean(source, tmp_path / "out.mkv", codec="ffv1", preview=True).files[0]
    assert not report.copied
    assert painter.calls <= 3 * LOOKS
    assert np.array_equal(frames_of(source), frames_of(tmp_path / "out.mkv"))
    assert probe(report.preview).frames == 40


def test_find_network_takes_its_word(tmp_path, painter):
    source = video(tmp_path / "in.mp4", moving=False)
    clean(source, tmp_path / "out.mkv", find="network", codec="ffv1")
    assert frames_of(tmp_path / "out.mkv")[:, 11:15, 70:86].max() < 0.75


def test_find_none_looks_for_no_mark(tmp_path, painter):
    source = video(tmp_path / "in.mp4", moving=True)
    report = clean(source, tmp_path / "out.mkv", find="none", codec="ffv1").files[0]
    assert report.finding.status == "unasked"


def test_a_short_clip_and_a_picture_stay_as_they_are(tmp_path, painter):
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
    assert painter.calls == 0


def test_an_interrupted_look_goes_on_where_it_stopped(tmp_path, painter):
    source = video(tmp_path / "in.mp4", moving=True)
    looks = 0

    def stop(progress):
        nonlocal looks
        looks += progress.step != ""
        if looks == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as interrupted:
        clean(source, tmp_path / "out.mkv", on_progress=stop, codec="ffv1")
    assert interrupted.value.resume_at == 0
    done = painter.calls
    clean(source, tmp_path / "out.mkv", resume=True, codec="ffv1")
    whole = Painter(masks=True)
    composition.load_backend = lambda *_: whole
    clean(source, tmp_path / "whole.mkv", codec="ffv1")
    assert painter.calls - done < whole.calls
    assert np.array_equal(frames_of(tmp_path / "out.mkv"), frames_of(tmp_path / "whole.mkv"))


def test_a_mask_and_a_search_exclude_each_other(tmp_path, painter):
    from mlx_vader.errors import UsageError

    source = video(tmp_path / "in.mp4", moving=True, frames=2)
    write_image(tmp_path / "mask.png", np.zeros((*SIZE, 3), np.float32))
    with pytest.raises(UsageError, match="mask"):
        clean(source, tmp_path / "out.mp4", mask=tmp_path / "mask.png", find="network")


def test_weights_that_were_trained_without_overlays_look_for_none():
    assert composition._knows_overlays("realtime")
    assert not composition._knows_overlays("degradations")
