"""Clips out of videos."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.data import footage
from mlx_vader.data.footage import Stretch, clip_from_stretch, decode, mirrored, stretches
from mlx_vader.errors import VaderError
from mlx_vader.video import open_video, read_clip
from tests.damaged_clip import DAMAGED, make_damaged


def write(path, levels, width=64, height=48):
    """A lossless grey video, one level a frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for level in levels:
            picture = np.full((height, width, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def levels(frames):
    return frames[:, 0, 0, 0].tolist()


def test_stretches_cover_every_frame_once(carphone):
    found = stretches(carphone)
    assert [stretch.start for stretch in found] == [0, *(stretch.stop for stretch in found[:-1])]
    assert found[-1].stop == 120
    assert all(16 <= stretch.stop - stretch.start < 32 for stretch in found)


def test_a_stretch_holds_exactly_the_frames_of_the_file(carphone):
    frames = decode(Stretch(carphone, 32, 64), extra=3)
    np.testing.assert_array_equal(frames, np.round(read_clip(carphone, 32, 35) * 255))


def test_frames_that_are_stored_twice_come_once(tmp_path):
    path = write(tmp_path / "twice.mkv", np.repeat(np.arange(10, 200, 10), 2))
    assert levels(decode(Stretch(path, 0, 38), extra=0)) == list(range(10, 200, 10))


def test_damaged_frames_are_left_out(tmp_path, carphone):
    path = make_damaged(tmp_path / "damaged.mp4", carphone)
    frames = decode(Stretch(path, 0, 30), extra=0)
    with open_video(path) as video:
        whole = [frame.levels for frame in video if not frame.damaged]
    assert len(frames) == len(whole) == 30 - len(DAMAGED)
    assert np.abs(frames.astype(int) - np.stack(whole)).max() <= 1


def test_a_large_picture_is_kept_small(tmp_path, monkeypatch):
    monkeypatch.setattr(footage, "SHORTER_SIDE", 24)
    path = write(tmp_path / "large.mkv", [50, 100])
    assert decode(Stretch(path, 0, 2), extra=0).shape == (2, 24, 32, 3)


def test_a_video_shorter_than_the_clip_runs_back_and_forth(tmp_path):
    frames = decode(stretches(write(tmp_path / "short.mkv", [10, 20, 30]))[0], extra=7)
    assert levels(clip_from_stretch(frames, np.random.default_rng(0), 8, 32)) == [
        10,
        20,
        30,
        20,
        10,
        20,
        30,
        20,
    ]


def test_a_video_smaller_than_the_clip_is_enlarged(tmp_path):
    frames = decode(stretches(write(tmp_path / "small.mkv", [10, 200]))[0], extra=1)
    assert clip_from_stretch(frames, np.random.default_rng(0), 2, 80).shape == (2, 80, 80, 3)


@given(st.integers(1, 20), st.integers(1, 60))
def test_mirrored_time_moves_by_one_frame_and_stays_inside(count, length):
    indices = mirrored(count, length)
    assert len(indices) == length
    assert indices[: min(count, length)].tolist() == list(range(min(count, length)))
    assert indices.min() >= 0
    assert indices.max() < count
    if count > 1:
        assert np.all(np.abs(np.diff(indices)) == 1)


@given(st.integers(0, 2**32), st.sampled_from([16, 32, 48]), st.integers(1, 8))
def test_crops_lie_inside_and_follow_one_another(key, size, length):
    frames = (
        np.repeat(np.arange(12, dtype=np.uint8)[:, None, None, None] + 100, 60, 1).repeat(90, 2).repeat(3, 3)
    )
    clip = clip_from_stretch(frames, np.random.default_rng(key), length, size)
    assert clip.shape == (length, size, size, 3)
    assert clip.min() >= 100
    assert np.all(np.diff(levels(clip)) == 1)


def test_a_file_that_is_no_video_is_an_error(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VaderError, match=r"text\.mp4"):
        stretches(tmp_path / "text.mp4")
