"""`smart`: only what is touched is encoded, also after interruptions, and where that cannot be it is said."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from mlx_vader.jobs import video_job
from mlx_vader.jobs.clean import Interrupted, clean
from mlx_vader.video import open_video, read_clip
from mlx_vader.video.nal import units_of
from mlx_vader.video.parameter_sets import is_set, units_of_record

PROGRAM = shutil.which("ffmpeg")
FRAMES = 120
#: A box over frames 50 to 58; with groups of 20, five of six are not touched.
BOX = {"box": "8,8,24,16@50-58", "fill": "membrane"}
H264 = {"preset": "veryfast", "g": "20", "bf": "2"}
HEVC = {"preset": "superfast", "x265-params": "log-level=none:keyint=20:open-gop=0"}


def make(path, codec="libx264", options=None, clip=None, frames=FRAMES, size=(88, 72)):
    """A real clip, forth and back, with sound."""
    frames_of_clip = (255 * clip + 0.5).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or H264, width=size[0], height=size[1])
        stream.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=48000)
        for number in range(frames):
            place = number % (2 * len(clip) - 2)
            shown = frames_of_clip[min(place, 2 * len(clip) - 2 - place)]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), "rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        for first in range(0, frames * 1920 // 1024 * 1024, 1024):
            wave = 0.3 * np.sin(2 * np.pi * 440 * (first + np.arange(1024)) / 48000)
            sound = av.AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32), "fltp", "stereo")
            sound.sample_rate, sound.pts = 48000, first
            container.mux(audio.encode(sound))
        container.mux(stream.encode(None))
        container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="session")
def pictures(carphone):
    return read_clip(carphone, 0, 60)[:, ::2, ::2]


@pytest.fixture
def clip(tmp_path, pictures):
    return make(tmp_path / "in.mp4", clip=pictures)


def manifest(target):
    return json.loads((target.parent / f".{target.name}.vader" / "manifest.json").read_text())


def units(path):
    """The packets of the picture without their parameter sets, by when they are shown."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec = stream.codec.canonical_name
        size = units_of_record(codec, stream.codec_context.extradata)[1]
        return {
            packet.pts * packet.time_base: [u for u in units_of(bytes(packet), size) if not is_set(codec, u)]
            for packet in container.demux(stream)
            if packet.size
        }


def sound(path):
    with av.open(str(path)) as container:
        return [
            (p.pts * p.time_base, bytes(p)) for p in container.demux(container.streams.audio[0]) if p.size
        ]


def samples(path):
    with open_video(path) as video:
        return [[np.array(plane) for plane in frame.samples] for frame in video]


def changed(source, target):
    """The frames whose samples are not those of the source; both have the same frames at the same times."""
    before, after = samples(source), samples(target)
    pairs = zip(before, after, strict=True)
    return [n for n, pair in enumerate(pairs) if not all(map(np.array_equal, *pair))]


def test_only_the_groups_around_a_mark_are_encoded(tmp_path, clip):
    target = tmp_path / "out.mp4"
    report = clean(clip, target, smart=True, **BOX)
    before, after = units(clip), units(target)
    assert sorted(before) == sorted(after)
    same = sum(before[shown] == after[shown] for shown in before)
    assert report.files[0].copied_share == pytest.approx(same / FRAMES)
    assert same >= 0.8 * FRAMES
    assert set(range(50, 59)) <= set(changed(clip, target)) <= set(range(45, 60))
    assert sound(clip) == sound(target)
    assert json.loads(json.dumps(report.as_dict()))["files"][0]["copied_share"] >= 0.8


def test_without_it_all_is_encoded(tmp_path, clip):
    assert clean(clip, tmp_path / "out.mp4", **BOX).files[0].copied_share == 0


def test_a_clip_in_which_nothing_is_found_is_copied(tmp_path, clip, monkeypatch):
    """The file itself where it may be; in another container its packets, and no frame is decoded for it."""
    report = clean(clip, tmp_path / "out.mp4", smart=True, find="none", restore="auto", crf=1)
    assert report.files[0].copied
    assert report.files[0].copied_share == 1
    monkeypatch.setattr(video_job.VideoJob, "_work", lambda *_: pytest.fail("it works on frames"))
    report = clean(clip, tmp_path / "out.mkv", smart=True, find="none", restore="auto", crf=1)
    assert not report.files[0].copied
    assert report.files[0].copied_share == 1
    assert list(units(clip).values()) == list(units(tmp_path / "out.mkv").values())
    assert not changed(clip, tmp_path / "out.mkv")


def test_the_preview_shows_all_frames(tmp_path, clip):
    report = clean(clip, tmp_path / "out.mp4", smart=True, preview=True, **BOX)
    assert len(samples(report.files[0].preview)) == FRAMES
    assert report.files[0].copied_share >= 0.8


@pytest.mark.parametrize(
    ("options", "target", "more", "reason"),
    [
        ({**H264, "flags": "+ildct+ilme", "x264-params": "tff=1"}, "out.mp4", {}, "interlaced"),
        (H264, "out.mp4", {"codec": "hevc"}, "h264 becomes libx265"),
        (H264, "out.webm", {}, "h264 becomes libvpx-vp9"),
        ({**H264, "x264-params": "open-gop=1"}, "out.mp4", {}, "one closed group"),
    ],
)
def test_what_cannot_be_copied_is_said_and_encoded(tmp_path, pictures, options, target, more, reason):
    source = make(tmp_path / "in.mp4", options=options, clip=pictures)
    if target.endswith("webm"):
        source = without_sound(source, tmp_path / "silent.mp4")
    notes = []
    report = clean(source, tmp_path / target, smart=True, on_note=notes.append, **BOX, **more)
    assert any(reason in note for note in notes)
    assert report.files[0].copied_share < 0.5
    assert set(range(50, 59)) <= set(changed_much(source, tmp_path / target))


def without_sound(source, target):
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        copy = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.size:
                packet.stream = copy
                after.mux(packet)
    return target


def changed_much(source, target):
    with open_video(source) as first, open_video(target) as second:
        differences = [np.abs(a.rgb - b.rgb)[8:24, 8:32].mean() for a, b in zip(first, second, strict=True)]
    return np.flatnonzero(np.array(differences) > 3 * np.median(differences))


@pytest.mark.parametrize("at", [20, 54, 90])
@pytest.mark.parametrize(
    "options", [("libx264", H264), ("libx265", {**HEVC, "x265-params": "log-level=none:keyint=20"})]
)
def test_an_interrupted_job_goes_on(tmp_path, pictures, monkeypatch, at, options):
    """Segments that end in the middle of groups, and frames of which it is not known yet what becomes of them."""
    source = make(tmp_path / "in.mp4", *options, clip=pictures)
    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 8)
    monkeypatch.setattr(video_job, "SEGMENT_SECONDS", 600)  # the same segments, however busy the machine is
    job = {"smart": True, "clip_length": 8, **BOX}

    def interrupt(progress):
        if progress.frames >= at:
            while not manifest(tmp_path / "out.mp4")["segments"]:
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        clean(source, tmp_path / "out.mp4", on_progress=interrupt, **job)
    assert not (tmp_path / "out.mp4").exists()
    report = clean(source, tmp_path / "out.mp4", resume=True, **job)
    assert report.files[0].resumed_at > 0
    whole = clean(source, tmp_path / "whole.mp4", **job)
    assert report.files[0].copied_share == whole.files[0].copied_share >= 0.8
    assert not changed(tmp_path / "whole.mp4", tmp_path / "out.mp4")
    assert units(tmp_path / "whole.mp4") == units(tmp_path / "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4", "whole.mp4"]


def test_a_job_that_was_not_smart_does_not_go_on_as_one(tmp_path, clip, monkeypatch):
    monkeypatch.setattr(video_job, "SEGMENT_FRAMES", 8)

    def interrupt(progress):
        if progress.frames >= 40:
            while not manifest(tmp_path / "out.mp4")["segments"]:
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        clean(clip, tmp_path / "out.mp4", on_progress=interrupt, **BOX)
    with pytest.raises(Exception, match="smart"):
        clean(clip, tmp_path / "out.mp4", resume=True, smart=True, **BOX)


LONG = 3000
#: Ten seconds of two minutes.
MARK = {"box": "20,20,60,30@1010-1260", "fill": "membrane"}
SETTINGS = {
    "h264": ("libx264", {"preset": "veryfast", "g": "250", "bf": "3"}),
    "hevc": (
        "libx265",
        {"preset": "ultrafast", "x265-params": "log-level=none:keyint=250:open-gop=0:bframes=3"},
    ),
    "open": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:keyint=250:bframes=3"}),
}

CODE = "from mlx_vader import cli; cli.main()"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("name", SETTINGS)
def test_two_minutes_with_a_mark_in_ten_seconds(tmp_path, bunny, name, suffix):
    """A process that is killed three times; the program of ffmpeg decodes the result without a word."""
    shots = np.concatenate([read_clip(bunny, start, 40)[:, ::8, ::8] for start in (0, 60)])
    codec, options = SETTINGS[name]
    source = make(tmp_path / f"in{suffix}", codec, options, clip=shots, frames=LONG, size=(160, 90))
    target, report = tmp_path / f"out{suffix}", tmp_path / "report.json"
    command = [
        sys.executable,
        "-c",
        CODE,
        "clean",
        source,
        "-o",
        target,
        "--smart",
        "--resume",
        "--json",
        report,
    ]
    command += ["--box", MARK["box"], "--fill", MARK["fill"]]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    moments = random.Random(7)
    for _ in range(3):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(1.5, 4))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
    before, after = units(source), units(target)
    assert sorted(before) == sorted(after)
    same = sum(before[shown] == after[shown] for shown in before) / LONG
    assert same >= 0.8
    share = json.loads(report.read_text())["files"][0]["copied_share"]
    assert share == pytest.approx(same, abs=0.002)
    touched = changed(source, target)
    assert set(range(1010, 1260)) <= set(touched)
    assert len(touched) < 0.2 * LONG
    assert sound(source) == sound(target)
    if PROGRAM:
        said = subprocess.run(
            [PROGRAM, "-v", "warning", "-i", target, "-f", "null", "-"], capture_output=True, check=True
        )
        assert not said.stderr
