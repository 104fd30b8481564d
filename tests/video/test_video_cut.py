"""Files that were cut without encoding anew: what an edit list hides is decoded, and not shown."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_files import Recipe, make

from mlx_vader.errors import VaderError
from mlx_vader.video import open_video, probe, read_clip, write_video

TICK = Fraction(1, 12800)
STEP = 512
PTS = tuple(range(0, 60 * STEP, STEP))
#: Where the first picture lies in the media of the MPEG-4 file: one is decoded before the first is shown.
FIRST = STEP
GROUP = {"g": "25", "bf": "2"}

#: Cutters write them in every container that has edit lists, whatever the codec.
CUT = {
    "h264.mp4": Recipe(pts=PTS, options={"preset": "veryfast", **GROUP}, audio=("eng",)),
    "h264.mov": Recipe(pts=PTS, options={"preset": "veryfast", **GROUP}),
    "hevc.mov": Recipe(
        codec="libx265", pts=PTS, options={"x265-params": "log-level=none:keyint=25:bframes=3"}
    ),
    "mpeg4.mp4": Recipe(codec="mpeg4", pts=PTS, options=dict(GROUP)),
    "vp9.mp4": Recipe(codec="libvpx-vp9", pts=PTS, options={"g": "25", "deadline": "realtime"}),
    "av1.mp4": Recipe(codec="libsvtav1", pts=PTS, options={"preset": "12", "g": "25"}),
}


def cut(source: Path, target: Path, first: int, stop: int | None = None, **options: str) -> Path:
    """The packets of frames `first` to `stop` as `ffmpeg -ss -c copy` keeps them: from the keyframe before on."""
    zero = first * STEP * TICK
    with av.open(str(source)) as before, av.open(str(target), "w", options=options) as after:
        streams = [*before.streams.video, *before.streams.audio]
        copies = {stream.index: after.add_stream_from_template(stream, opaque=True) for stream in streams}
        packets = [packet for packet in before.demux(streams) if packet.size]
        shown = [packet for packet in packets if packet.stream.type == "video"]
        begins = max(packet.dts for packet in shown if packet.is_keyframe and packet.pts <= first * STEP)
        for packet in packets:
            is_video = packet.stream.type == "video"
            if is_video and (packet.dts < begins or (stop is not None and packet.dts >= stop * STEP)):
                continue
            ticks = round(zero / packet.time_base)
            packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
            packet.stream = copies[packet.stream.index]
            after.mux(packet)
    return target


def rewrite_edits(path: Path, *edits: tuple[int, int]) -> Path:
    """Gives the first track another edit list: (milliseconds, first tick of the media; -1 for nothing shown)."""
    data = bytearray(path.read_bytes())
    place = data.find(b"elst")
    held = struct.unpack(">I", data[place + 8 : place + 12])[0]
    assert held == len(edits)
    for number, (length, start) in enumerate(edits):
        data[place + 12 + 12 * number : place + 24 + 12 * number] = struct.pack(">IiI", length, start, 65536)
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A file and its frames, made once."""
    folder = tmp_path_factory.mktemp("whole")
    made: dict = {}

    def of(name: str):
        if name not in made:
            path = make(folder / name, CUT[name])
            with open_video(path) as video:
                made[name] = path, list(video)
        return made[name]

    return of


def check_shows(path: Path, expected: list, first_time: Fraction = Fraction(0)) -> None:
    """The file shows these frames of another one, from `first_time` on, wherever reading begins."""
    with open_video(path) as video:
        found = list(video)
    info = probe(path)
    assert info.frames == len(found) == len(expected)
    assert found[0].pts * found[0].time_base == first_time
    assert [frame.pts - found[0].pts for frame in found] == [f.pts - expected[0].pts for f in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)
    for start in (1, len(expected) // 2, len(expected) - 2):
        np.testing.assert_array_equal(
            read_clip(path, start, 2), np.stack([frame.rgb for frame in expected[start : start + 2]])
        )


@pytest.mark.parametrize("name", CUT)
def test_frames_that_are_cut_away_are_not_shown_and_the_rest_is(name, whole, tmp_path):
    source, frames = whole(name)
    path = cut(source, tmp_path / name, 16)
    check_shows(path, frames[16:])
    assert probe(path).duration == pytest.approx(44 / 25)
    assert not probe(path).variable_frame_rate


def test_a_piece_without_a_keyframe_of_its_own_is_shown(whole, tmp_path):
    source, frames = whole("mpeg4.mp4")
    with open_video(cut(source, tmp_path / "piece.mp4", 5, 17)) as video:
        found = list(video)
    assert probe(tmp_path / "piece.mp4").frames == len(found) >= 10
    assert [frame.pts for frame in found[:10]] == [number * STEP for number in range(10)]
    for frame in found:
        np.testing.assert_array_equal(frame.rgb, frames[5 + frame.pts // STEP].rgb)


def test_a_file_that_hides_all_its_frames_is_refused(whole, tmp_path):
    source, _ = whole("mpeg4.mp4")
    path = rewrite_edits(cut(source, tmp_path / "none.mp4", 16), (1, 10_000_000))
    with pytest.raises(VaderError, match="has no frames"):
        probe(path)


def delayed(source: Path, target: Path) -> Path:
    """Shown from half a second on: its edit list has two entries."""
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        stream = before.streams.video[0]
        copy = after.add_stream_from_template(stream, opaque=True)
        for packet in before.demux(stream):
            if packet.size:
                packet.pts, packet.dts = packet.pts + 6400, packet.dts + 6400
                packet.stream = copy
                after.mux(packet)
    return target


def test_two_pieces_of_one_file_are_shown_one_after_the_other(whole, tmp_path):
    source, frames = whole("mpeg4.mp4")
    path = delayed(source, tmp_path / "delayed.mp4")
    check_shows(path, frames, Fraction(1, 2))
    rewrite_edits(path, (800, FIRST + 10 * STEP), (800, FIRST + 36 * STEP))
    with open_video(path) as video:
        found = list(video)
    assert probe(path).frames == len(found) == 40
    for one, other in zip(found, [*frames[10:30], *frames[36:56]], strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)


def test_a_delayed_and_cut_picture_ends_where_it_ends(whole, tmp_path):
    """FFmpeg's duration of such a stream counts the delay."""
    source, frames = whole("mpeg4.mp4")
    path = rewrite_edits(delayed(source, tmp_path / "delayed.mp4"), (500, -1), (1000, FIRST + 10 * STEP))
    check_shows(path, frames[10:35], Fraction(1, 2))
    assert probe(path).last_duration == STEP


def test_times_before_zero_are_told_although_matroska_does_not_tell_them(whole, tmp_path):
    source, frames = whole("h264.mp4")
    path = cut(source, tmp_path / "a.mkv", 10, avoid_negative_ts="disabled")
    with open_video(path) as video:
        found = list(video)
    assert [frame.pts * frame.time_base for frame in found] == [
        Fraction(number - 10, 25) for number in range(60)
    ]
    for one, other in zip(found, frames, strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)


def bounds(path: Path, kind: str) -> tuple[float, float]:
    """When the first and the last of what is shown or heard begins, in seconds."""
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        times = [frame.time for frame in container.decode(stream) if frame.pts is not None]
    return times[0], times[-1]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_and_picture_of_a_cut_file_stay_together(suffix, whole, tmp_path):
    source, _ = whole("h264.mp4")
    path = cut(source, tmp_path / "source.mp4", 16)
    target = tmp_path / f"target{suffix}"
    with open_video(path) as video, write_video(target, video.info) as writer:
        for frame in video:
            writer.write(frame)
    for read in (path, target):
        assert bounds(read, "audio")[1] - bounds(read, "video")[1] == pytest.approx(
            bounds(path, "audio")[1] - bounds(path, "video")[1], abs=0.002
        )
    # Matroska cannot hide the packet with which the decoder of the sound begins.
    assert bounds(target, "video")[0] == pytest.approx(0, abs=0 if suffix != ".mkv" else 0.05)
    assert probe(target).frames == 44


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_nothing_is_lost_that_is_shown_before_zero(suffix, whole, tmp_path):
    source, _ = whole("h264.mp4")
    path = cut(source, tmp_path / "source.mkv", 10, avoid_negative_ts="disabled")
    target = tmp_path / f"target{suffix}"
    with open_video(path) as video, write_video(target, video.info) as writer:
        for frame in video:
            writer.write(frame)
    assert probe(target).frames == 60
    end, heard = bounds(target, "video")[1], bounds(target, "audio")[1]
    assert heard - end == pytest.approx(bounds(path, "audio")[1] - bounds(path, "video")[1], abs=0.002)
