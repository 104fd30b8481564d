"""Frames are the right ones, with the right times, wherever reading begins."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from video_files import Recipe, make

from mlx_vader.errors import UsageError
from mlx_vader.video import open_video, probe, read_clip

LONG = tuple(range(0, 60 * 512, 512))
QUIET = {"x265-params": "log-level=none:keyint=25:bframes=3"}

EVEN: dict = {"pts": tuple(range(60)), "time_base": Fraction(1, 25), "options": {"bf": "2", "g": "12"}}

#: File name, and how it is made: short and long groups of pictures, with and without B-frames, intra only.
ENTERABLE = {
    "a.mp4": Recipe(pts=LONG),
    "long.mp4": Recipe(pts=LONG, options={"crf": "20", "bf": "3", "g": "250", "preset": "medium"}),
    "open.mkv": Recipe(pts=LONG, options={"crf": "20", "bf": "3", "g": "10", "x264-params": "open-gop=1"}),
    "hevc.mp4": Recipe(codec="libx265", pts=LONG, options=QUIET),
    "hevc.mkv": Recipe(codec="libx265", pts=LONG, options=QUIET),
    "vp9.webm": Recipe(
        codec="libvpx-vp9", pts=LONG, options={"g": "15", "deadline": "realtime", "crf": "30"}
    ),
    "av1.mp4": Recipe(codec="libsvtav1", pts=LONG, options={"preset": "12", "g": "16"}),
    "mpeg4.avi": Recipe(
        codec="mpeg4", pts=tuple(range(60)), time_base=Fraction(1, 25), options={"bf": "2", "g": "12"}
    ),
    "mpeg2.ts": Recipe(codec="mpeg2video", **EVEN),
    "mpeg2.mpg": Recipe(codec="mpeg2video", **EVEN),
    "ffv1.mkv": Recipe(codec="ffv1", pts=LONG, options={}),
    "raw.h264": Recipe(pts=LONG),
    "vfr.mp4": Recipe(pts=tuple(7 * i * i for i in range(60)), time_base=Fraction(1, 90000)),
}


@pytest.fixture(scope="module")
def sequential(tmp_path_factory):
    """The path and all frames of a file, made once."""
    folder = tmp_path_factory.mktemp("enterable")
    made: dict = {}

    def of(name):
        if name not in made:
            path = make(folder / name, ENTERABLE[name])
            with open_video(path) as video:
                made[name] = path, list(video)
        return made[name]

    return of


@pytest.mark.parametrize("name", ENTERABLE)
def test_clips_equal_sequential_reading(name, sequential):
    path, frames = sequential(name)
    assert [frame.index for frame in frames] == list(range(60))
    assert probe(path).frames == 60
    for start, length in [(0, 3), (1, 4), (11, 3), (12, 2), (23, 5), (37, 4), (55, 5)]:
        expected = np.stack([frame.rgb for frame in frames[start : start + length]])
        np.testing.assert_array_equal(read_clip(path, start, length), expected)


@pytest.mark.parametrize("name", ENTERABLE)
def test_times_do_not_depend_on_where_reading_begins(name, sequential):
    path, frames = sequential(name)
    with open_video(path, 29, 41) as video:
        assert len(video) == 12
        assert [(frame.index, frame.pts) for frame in video] == [(f.index, f.pts) for f in frames[29:41]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["a.mp4", "open.mkv", "hevc.mp4", "mpeg4.avi"]),
    start=st.integers(0, 59),
    data=st.data(),
)
def test_any_clip_equals_sequential_reading(name, start, data, sequential):
    length = data.draw(st.integers(1, min(6, 60 - start)))
    path, frames = sequential(name)
    expected = np.stack([frame.rgb for frame in frames[start : start + length]])
    np.testing.assert_array_equal(read_clip(path, start, length), expected)


def test_real_clips_are_entered_anywhere(bunny, carphone):
    for path, starts in ((bunny, (3, 100)), (carphone, (5, 60, 115))):
        with open_video(path) as video:
            frames = [
                frame.rgb for frame in video if any(start <= frame.index < start + 3 for start in starts)
            ]
        clips = np.concatenate([read_clip(path, start, 3) for start in starts])
        np.testing.assert_array_equal(clips, np.stack(frames))


def test_probe_tells_what_the_clip_is(bunny, carphone):
    info = probe(bunny)
    assert (info.width, info.height, info.frame_rate, info.frames) == (1280, 720, 25, 132)
    assert (info.codec, info.pix_fmt, info.bit_depth, info.audio, info.subtitles) == (
        "h264",
        "yuv420p",
        8,
        1,
        0,
    )
    assert not info.variable_frame_rate
    assert info.duration == pytest.approx(5.28)
    assert probe(carphone).frame_rate == Fraction(30000, 1001)
    assert probe(carphone).sample_aspect_ratio == Fraction(128, 117)


def test_variable_frame_rate_is_told_from_rounded_times(tmp_path):
    even = make(tmp_path / "even.mkv", Recipe(rate=Fraction(30000, 1001), pts=tuple(range(0, 24 * 427, 427))))
    uneven = make(tmp_path / "uneven.mkv", Recipe(pts=tuple(40 * i * i for i in range(24))))
    assert not probe(even).variable_frame_rate
    assert probe(uneven).variable_frame_rate


def test_frames_are_float_rgb_in_the_unit_interval(sequential):
    _, frames = sequential("a.mp4")
    assert all(frame.rgb.dtype == np.float32 for frame in frames)
    assert all(frame.rgb.shape == (64, 96, 3) and frame.rgb.flags.c_contiguous for frame in frames)
    assert min(frame.rgb.min() for frame in frames) >= 0
    assert max(frame.rgb.max() for frame in frames) <= 1


def test_a_reader_may_be_iterated_twice_and_left_early(sequential):
    path, _ = sequential("a.mp4")
    with open_video(path) as video:
        assert next(iter(video)).index == 0
        assert sum(1 for _ in video) == 60


def test_frames_before_the_first_keyframe_are_not_counted(tmp_path, sequential):
    """A broadcast recording begins in the middle of a group of pictures."""
    path, frames = sequential("mpeg2.ts")
    late = tmp_path / "late.ts"
    with av.open(str(path)) as source, av.open(str(late), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            if number >= 5:
                packet.stream = stream
                output.mux(packet)
    with open_video(late) as video:
        found = list(video)
        assert video.info.frames == len(found)
    assert 44 <= len(found) <= 50
    np.testing.assert_array_equal(found[-1].rgb, frames[-1].rgb)
    np.testing.assert_array_equal(read_clip(late, 20, 3), np.stack([frame.rgb for frame in found[20:23]]))


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (5, 2)])
def test_impossible_stretches_are_refused(start, stop, sequential):
    path, _ = sequential("a.mp4")
    with pytest.raises(UsageError, match="make no clip"):
        open_video(path, start, stop)


def test_a_changed_file_is_examined_again(tmp_path):
    path = make(tmp_path / "a.mp4", Recipe(pts=LONG[:10]))
    assert probe(path).frames == 10
    make(path, Recipe(pts=LONG[:20]))
    assert probe(path).frames == 20
