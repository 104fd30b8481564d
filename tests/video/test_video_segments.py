"""A job cut into segments is the same video, and goes on after an interruption."""

import ctypes.util
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_frames import noise, store
from video_files import Recipe, make, packets_of

from mlx_vader.errors import VaderError
from mlx_vader.video import (
    ENCODERS,
    SegmentWriter,
    assemble,
    check_output,
    encoders,
    finished_segments,
    open_video,
    plan_encoding,
    probe,
)
from mlx_vader.video.assembly import with_decoding_times
from mlx_vader.video.pixel_formats import choose_pix_fmt
from mlx_vader.video.segments import Segment

VARIABLE = tuple(sorted({0, 3003, *(3003 * i + (i * i) % 700 for i in range(2, 40))}))
SOURCE = Recipe(pts=VARIABLE, time_base=Fraction(1, 90000), audio=("eng", "fra"))


def encode(source, folder, encoding, start, stop, every):
    """Frames `start` to `stop` into segments of `every` frames; the last is left unfinished as by a crash."""
    writer = SegmentWriter(folder, encoding)
    with open_video(source, start, stop) as video:
        for frame in video:
            writer.write(frame.rgb, frame.pts, frame.time_base)
            if (frame.index + 1) % every == 0:
                writer.cut()
    return writer


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "libvpx-vp9", "ffv1"])
def test_an_interrupted_job_goes_on_and_ends_as_one_video(codec, tmp_path):
    source = make(tmp_path / "source.mp4", SOURCE)
    target = tmp_path / "target.mp4"
    folder = tmp_path / "job"
    folder.mkdir()
    encoding = plan_encoding(target, probe(source), codec=codec, crf=8)
    writer = encode(source, folder, encoding, 0, 17, every=5)
    writer.abandon()
    done = finished_segments(folder)
    assert [segment.frames for segment in done] == [5, 5, 5]
    encode(source, folder, encoding, sum(segment.frames for segment in done), None, every=5).close()
    assemble(finished_segments(folder), target, encoding, source)
    assert packets_of(source, "audio") == packets_of(target, "audio")
    with open_video(source) as before, open_video(target) as after:
        pairs = list(zip(before, after, strict=True))
    assert [a.pts * a.time_base for a, _ in pairs] == [b.pts * b.time_base for _, b in pairs]
    assert np.mean([np.mean((a.rgb - b.rgb) ** 2) for a, b in pairs]) < 10**-3.8
    assert probe(target).duration == pytest.approx(probe(source).duration)


def test_frames_without_times_follow_those_of_finished_segments(tmp_path):
    encoding = plan_encoding(tmp_path / "a.mp4", None, size=(96, 64), frame_rate=Fraction(25))
    for _ in range(2):
        with SegmentWriter(tmp_path, encoding) as writer:
            for _ in range(3):
                writer.write(np.zeros((64, 96, 3), np.float32))
    assert [segment.first_pts for segment in finished_segments(tmp_path)] == [0, 3]


def test_segments_decode_on_their_own(tmp_path):
    source = make(tmp_path / "source.mp4", SOURCE)
    folder = tmp_path / "job"
    folder.mkdir()
    encoding = plan_encoding(tmp_path / "target.mp4", probe(source))
    encode(source, folder, encoding, 0, None, every=7).close()
    segments = finished_segments(folder)
    assert [probe(segment.path).frames for segment in segments] == [segment.frames for segment in segments]
    assert [segment.first_pts for segment in segments] == list(VARIABLE[::7])


def test_a_gap_ends_the_finished_segments(tmp_path):
    for name in ("00000_0_5.mp4", "00001_5_5.mp4", "00003_15_5.mp4", "00002.vader-part-.mp4", "notes.txt"):
        (tmp_path / name).touch()
    assert finished_segments(tmp_path) == [
        Segment(tmp_path / "00000_0_5.mp4", 0, 0, 5),
        Segment(tmp_path / "00001_5_5.mp4", 1, 5, 5),
    ]


def test_segments_of_different_encoders_are_not_joined(tmp_path):
    source = make(tmp_path / "source.mp4", SOURCE)
    folder = tmp_path / "job"
    folder.mkdir()
    encoding = plan_encoding(tmp_path / "target.mp4", probe(source), crf=20)
    encode(source, folder, encoding, 0, 10, every=10)
    encode(source, folder, replace(encoding, crf=30, pix_fmt="yuv444p"), 10, 20, every=10)
    with pytest.raises(VaderError, match="different encoders"):
        assemble(finished_segments(folder), tmp_path / "target.mp4", encoding, source)
    assert not (tmp_path / "target.mp4").exists()


def test_the_check_before_work_leaves_nothing(tmp_path):
    source = make(tmp_path / "source.mp4", SOURCE)
    check_output(tmp_path / "target.mp4", plan_encoding(tmp_path / "target.mp4", probe(source)), source)
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


class Bare:
    """As much of a packet as times need."""

    def __init__(self, pts: int) -> None:
        self.pts, self.dts, self.duration = pts, None, 0


@given(
    groups=st.lists(st.lists(st.permutations([1, 2]), min_size=0, max_size=5), min_size=1, max_size=6),
    steps=st.lists(st.integers(1, 5000), min_size=100, max_size=100),
)
def test_decoding_times_increase_and_never_follow_display(groups, steps):
    """Groups of pictures in any order that a decoder with two held-back pictures can undo, at uneven times."""
    times = np.cumsum(steps)
    packets, base = [], 0
    for group in groups:
        packets.append(base)  # the keyframe is shown first
        for order in group:
            packets += [base + order[0], base + order[1]]
            base += 2
        base += 1
    stamped = list(with_decoding_times(((Bare(int(times[number])), 2) for number in packets), 40))
    decoding = [packet.dts for packet in stamped]
    assert all(before < after for before, after in pairwise(decoding))
    assert all(packet.dts <= packet.pts for packet in stamped)


def test_every_encoder_of_the_build_works():
    found = encoders()
    assert set(found) <= set(ENCODERS)
    assert all(found[name] for name in ("libx264", "libx265", "libsvtav1", "ffv1"))


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="Linux has scheduling policies")
def test_no_encoder_makes_this_a_real_time_process():
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    encoders()
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.mark.parametrize(
    ("codec", "source", "size", "expected"),
    [
        ("libx264", "yuv420p", (96, 64), "yuv420p"),
        ("libx264", "nv12", (96, 64), "yuv420p"),
        ("libx264", "gray", (96, 64), "yuv420p"),
        ("libx264", "yuv420p10le", (96, 64), "yuv420p10le"),
        ("libx264", "yuv420p12le", (96, 64), "yuv420p10le"),
        ("libx264", "p010le", (96, 64), "yuv420p10le"),
        ("libx264", "yuv422p", (96, 64), "yuv422p"),
        ("libx264", "yuv411p", (96, 64), "yuv422p"),
        ("libx264", "yuva444p10le", (96, 64), "yuv444p10le"),
        ("libx264", "rgb24", (96, 64), "yuv444p"),
        ("libx264", "yuv420p", (96, 63), "yuv422p"),
        ("libx264", "yuv420p", (95, 63), "yuv444p"),
        ("libx265", "yuv420p12le", (96, 64), "yuv420p12le"),
        ("libsvtav1", "yuv444p10le", (95, 63), "yuv420p10le"),
        ("prores_ks", "yuv420p", (96, 64), "yuv422p10le"),
        ("prores_ks", "yuv444p12le", (96, 64), "yuv444p10le"),
        ("ffv1", "rgb24", (96, 64), "bgr0"),
        ("ffv1", "gbrp12le", (96, 64), "gbrp12le"),
        ("ffv1", "yuv420p12le", (96, 64), "yuv420p12le"),
        ("ffv1", "yuv422p14le", (96, 64), "yuv422p14le"),
        ("ffv1", "nv12", (95, 63), "yuv420p"),
        ("ffv1", "gray", (96, 64), "gray"),
        ("ffv1", "gray12le", (96, 64), "gray12le"),
        ("ffv1", "yuva420p", (96, 64), "yuva420p"),
        ("ffv1", "yuva444p16le", (96, 64), "yuva444p16le"),
        ("ffv1", "argb", (96, 64), "bgra"),
        ("ffv1", "gbrap10le", (96, 64), "gbrap10le"),
        ("ffv1", "pal8", (96, 64), "bgra"),
        ("prores_ks", "yuva420p", (96, 64), "yuva444p10le"),
        ("prores_ks", "bgra", (96, 64), "yuva444p10le"),
        ("libvpx-vp9", "yuva444p10le", (96, 64), "yuva420p"),
        ("libx265", "gbrp10le", (96, 64), "yuv444p10le"),
        ("libx265", "yuva420p", (96, 64), "yuv420p"),
    ],
)
def test_the_format_that_loses_least_is_chosen(codec, source, size, expected):
    assert choose_pix_fmt(ENCODERS[codec], source, *size) == expected


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_short_clip_is_coded_whatever_memory_held_before(frames, tmp_path):
    """libx265 gives two frames decoding times that it never wrote: here, what the C library fills fresh memory with."""
    source = store(tmp_path / "source.mkv", [noise("yuv420p", 64, 48)] * frames, "ffv1")
    script = "import sys; from raw_frames import copied; copied(*sys.argv[1:], codec='libx265')"
    target = tmp_path / "target.mkv"
    subprocess.run(
        [sys.executable, "-c", script, source, target],
        env=os.environ | {"MALLOC_PERTURB_": "1", "PYTHONPATH": str(Path(__file__).parent)},
        check=True,
    )
    assert probe(target).frames == frames


DEBUGGING = ctypes.util.find_library("c_malloc_debug")


@pytest.mark.skipif(not DEBUGGING, reason="only glibc can check its heap")
@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("width", [18, 44])
def test_narrow_frames_leave_the_heap_whole(codec, width, tmp_path):
    """The C library ends a program whose heap somebody has written beyond."""
    source = store(tmp_path / "source.mkv", [noise("yuv420p", width, 36, seed) for seed in range(6)], "ffv1")
    script = "import sys; from raw_frames import copied; copied(*sys.argv[1:3], codec=sys.argv[3])"
    subprocess.run(
        [sys.executable, "-c", script, source, tmp_path / "target.mkv", codec],
        env=os.environ
        | {"LD_PRELOAD": DEBUGGING, "MALLOC_CHECK_": "3", "PYTHONPATH": str(Path(__file__).parent)},
        check=True,
    )
