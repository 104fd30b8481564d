"""Bad input and bad places: one clear line, and nothing left behind."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np
import pytest
from video_files import Recipe, make

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.video import list_media, probe, read_clip, write_video

FRAME = np.full((64, 96, 3), 0.5, np.float32)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("whole")
    recipe = Recipe(audio=("eng",), pts=tuple(range(0, 60 * 512, 512)))
    return {suffix: make(folder / f"whole{suffix}", recipe) for suffix in (".mp4", ".mkv", ".avi", ".ts")}


def fill(target: Path, frames: Iterable[np.ndarray], **options) -> None:
    with write_video(target, frame_rate=25, **options) as writer:
        for frame in frames:
            writer.write(frame)


def refusal(path: Path) -> VaderError:
    """The error of probing, which is one line with a way out."""
    with pytest.raises(VaderError) as caught:
        probe(path)
    error = caught.value
    assert path.name in error.message
    assert "\n" not in error.message + error.hint
    assert error.hint
    return error


def test_a_missing_file(tmp_path):
    assert "does not exist" in refusal(tmp_path / "none.mp4").message


def test_a_folder(tmp_path):
    assert "is a folder" in refusal(tmp_path).message


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert "is empty" in refusal(tmp_path / "empty.mp4").message


def test_text_with_the_name_of_a_video(tmp_path):
    (tmp_path / "text.mp4").write_text("Call me Ishmael. " * 500)
    assert "is not a video" in refusal(tmp_path / "text.mp4").message


def test_noise_with_the_name_of_a_video(tmp_path):
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    assert "is not a video" in refusal(tmp_path / "noise.mp4").message


def test_sound_alone(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=48000)
        for start in range(0, 48000, 1024):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((2, 1024), np.float32), format="fltp", layout="stereo"
            )
            frame.sample_rate, frame.pts = 48000, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    error = refusal(path)
    assert "has no video stream" in error.message
    assert error.hint == "it holds audio only"


@pytest.mark.parametrize(
    ("suffix", "message"),
    [(".avi", "has no frames"), (".mp4", "has no video stream"), (".mkv", "is not a video that can be read")],
)
def test_a_video_without_frames(suffix, message, tmp_path):
    path = tmp_path / f"none{suffix}"
    with av.open(str(path), "w") as output:
        output.add_stream("mpeg4", rate=25, width=64, height=64)
        output.start_encoding()
    assert message in refusal(path).message


@pytest.fixture
def no_privileges():
    """Root may read and write everything: it becomes nobody for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_a_file_that_may_not_be_read(tmp_path, whole, no_privileges):
    path = tmp_path / "closed.mp4"
    os.seteuid(os.getuid())
    path.write_bytes(whole[".mp4"].read_bytes())
    path.chmod(0)
    if os.getuid() == 0:
        os.seteuid(65534)
    assert "cannot be read" in refusal(path).message


def test_a_folder_that_may_not_be_written_to(tmp_path, no_privileges):
    if os.getuid() != 0:
        tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot be written"):
        write_video(tmp_path / "a.mp4", frame_rate=25)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_a_file_cut_short(suffix, part, whole, tmp_path):
    """MP4 with its index at the end has lost it; the others know how long they should be."""
    data = whole[suffix].read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * part)])
    assert "is cut short" in refusal(path).message


def test_an_mp4_with_its_index_first_cut_short(whole, tmp_path):
    path = tmp_path / "cut.mp4"
    with (
        av.open(str(whole[".mp4"])) as source,
        av.open(str(path), "w", options={"movflags": "faststart"}) as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    error = refusal(path)
    assert "is cut short" in error.message
    assert "ffmpeg -i" in error.hint


def test_whole_files_are_not_taken_for_cut_ones(whole):
    assert [probe(path).frames for path in whole.values()] == [60] * 4


def test_a_live_recording_of_unknown_length_is_read(whole, tmp_path):
    path = tmp_path / "live.mkv"
    with av.open(str(whole[".mp4"])) as source, av.open(str(path), "w", options={"live": "1"}) as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    assert probe(path).frames == 60


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_at_once(tmp_path):
    """Reading from it would wait for ever."""
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "is a pipe" in refusal(tmp_path / "pipe.mp4").message
    with pytest.raises(UsageError, match="is a pipe"):
        write_video(tmp_path / "pipe.mp4", frame_rate=25)


def test_a_device_is_refused():
    assert "is a pipe or a device" in refusal(Path("/dev/null")).message


def test_a_clip_beyond_the_end(whole):
    with pytest.raises(VaderError, match="has 60 frames, not 58 to 62"):
        read_clip(whole[".mp4"], 58, 4)


def test_the_source_is_never_the_target(whole):
    with pytest.raises(UsageError, match="is the source itself"):
        write_video(whole[".mp4"], probe(whole[".mp4"]))


def test_a_target_in_a_missing_folder(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        write_video(tmp_path / "none" / "a.mp4", frame_rate=25)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.xyz", {}, "no video is written as '.xyz'"),
        ("a.webm", {"codec": "libx264"}, r"\.webm cannot hold libx264"),
        ("a.mp4", {"codec": "h266"}, "there is no codec h266"),
        ("a.mp4", {"crf": 99}, "crf 99 is out of range"),
    ],
)
def test_wrong_wishes_are_refused_before_work(name, options, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        write_video(tmp_path / name, frame_rate=25, **options)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_job_leaves_nothing(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"what was there before")

    def frames():
        yield FRAME
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "a.mp4", frames())
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"what was there before"


def test_no_frames_make_no_file(tmp_path):
    with pytest.raises(VaderError, match="no frames"), write_video(tmp_path / "a.mp4", frame_rate=25):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_refused(tmp_path):
    with pytest.raises(UsageError, match="a frame of 96x62"):
        fill(tmp_path / "a.mp4", [FRAME, FRAME[:62]])
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB, where this user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root mounts a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).random((144, 176, 3), np.float32)


def test_a_full_disk_is_one_clear_line(small_disk):
    with pytest.raises(VaderError, match="no space left to write"):
        fill(small_disk / "a.mp4", map(noise, range(40)), crf=0)
    assert list(small_disk.iterdir()) == []


def test_a_limit_of_the_file_size_is_one_clear_line(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(VaderError, match="grew larger than this system allows"):
            fill(tmp_path / "a.mp4", map(noise, range(40)), crf=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_printed(whole, tmp_path):
    """Neither FFmpeg nor an encoder writes to the terminal, whatever happens."""
    (tmp_path / "bad.mp4").write_bytes(whole[".mp4"].read_bytes()[:3000])
    script = f"""
from mlx_vader.video import open_video, probe, write_video, encoders
from mlx_vader.errors import VaderError
encoders()
try:
    probe({str(tmp_path / "bad.mp4")!r})
except VaderError:
    pass
for codec in ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "ffv1"):
    with open_video({str(whole[".ts"])!r}, 0, 8) as video:
        with write_video({str(tmp_path / "out.mkv")!r}, video.info, codec=codec) as writer:
            for frame in video:
                writer.write(frame.rgb, frame.pts)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_media_are_listed_without_hidden_and_unfinished_files(tmp_path):
    for name in ("b.mp4", "a.png", "sub/c.MKV", ".hidden.mp4", "d.txt", "e.vader-part-12ab34cd.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert [str(path.relative_to(tmp_path)) for path in list_media(tmp_path)] == [
        "a.png",
        "b.mp4",
        "sub/c.MKV",
    ]
    with pytest.raises(VaderError, match="does not exist"):
        list_media(tmp_path / "none")
