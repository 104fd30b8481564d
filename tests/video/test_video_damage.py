"""Damaged pictures are flagged, lost ones are replaced by the one before: none is missing, and none passes as good."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from video_files import Recipe, make

from mlx_vader.video import open_video, probe, read_clip, write_video
from mlx_vader.video.decoding import completed
from mlx_vader.video.index import FrameIndex

PTS = tuple(range(0, 40 * 512, 512))
GROUP = {"g": "10", "bf": "0"}
EVEN: dict = {"pts": tuple(range(40)), "time_base": Fraction(1, 25)}

#: File name, how it is made, and whether the decoder leaves out what it cannot decode.
DAMAGEABLE = {
    "h264.mp4": (Recipe(pts=PTS, options=GROUP), False),
    "h264.ts": (Recipe(pts=PTS, options=GROUP), False),
    "slices.mkv": (Recipe(pts=PTS, options={**GROUP, "x264-params": "slices=4"}), True),
    "mpeg2.mkv": (Recipe(codec="mpeg2video", options=GROUP, **EVEN), False),
    "mpeg4.mp4": (Recipe(codec="mpeg4", pts=PTS, options=GROUP), False),
    "prores.mov": (Recipe(codec="prores_ks", pix_fmt="yuv422p10le", pts=PTS, options={}), False),
    "av1.mp4": (Recipe(codec="libsvtav1", pts=PTS, options={"preset": "12", "g": "10"}), True),
}


def damaged(source: Path, target: Path, number: int) -> Path:
    """A copy with noise in the packet of frame `number`."""
    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packet = sorted((p for p in container.demux(video=0) if p.size), key=lambda p: p.pts)[number]
        payload = bytes(packet)
    place = data.find(payload[-16:]) - len(payload) + 16
    assert place > 0
    begin = place + min(16, len(payload) // 4)
    data[begin : place + len(payload)] = np.random.default_rng(7).bytes(place + len(payload) - begin)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("name", DAMAGEABLE)
def test_a_damaged_picture_is_flagged_and_every_other_keeps_its_place(name, tmp_path):
    recipe, lost = DAMAGEABLE[name]
    source = make(tmp_path / f"whole-{name}", recipe)
    path = damaged(source, tmp_path / name, 13)
    with open_video(source) as before, open_video(path) as after:
        whole, found = list(before), list(after)
    assert not any(frame.damaged for frame in whole)
    assert probe(path).frames == len(found) == 40
    assert [(frame.index, frame.pts) for frame in found] == [(frame.index, frame.pts) for frame in whole]
    flagged = [frame.index for frame in found if frame.damaged]
    assert flagged
    assert flagged[0] == 13
    if lost:
        np.testing.assert_array_equal(found[13].rgb, found[12].rgb)
    for number in (0, 12, 30, 39):  # before the damage, and after the next keyframe
        np.testing.assert_array_equal(found[number].rgb, whole[number].rgb)
    np.testing.assert_array_equal(read_clip(path, 25, 3), np.stack([frame.rgb for frame in whole[25:28]]))


def test_a_clip_that_begins_with_a_lost_picture_is_that_of_the_whole(tmp_path):
    path = damaged(make(tmp_path / "whole.mkv", DAMAGEABLE["slices.mkv"][0]), tmp_path / "a.mkv", 13)
    with open_video(path) as video:
        frames = [frame.rgb for frame in video]
    np.testing.assert_array_equal(read_clip(path, 13, 3), np.stack(frames[13:16]))


def test_a_damaged_frame_stays_flagged_when_it_is_edited_and_taken_apart(tmp_path):
    path = damaged(make(tmp_path / "whole.mp4", DAMAGEABLE["h264.mp4"][0]), tmp_path / "a.mp4", 13)
    with open_video(path, 13, 14) as video:
        (frame,) = video
    assert frame.damaged
    assert all(field.damaged for field in frame.fields())
    assert type(frame).of_rgb(frame.rgb * 0.5, frame).damaged


@pytest.mark.parametrize(("codec", "filled"), [("h264", False), ("vp8", False), ("hevc", True)])
def test_a_missing_number_is_no_damage_where_packets_may_make_no_picture(codec, filled):
    """In H.264 each field of an interlaced picture may have a packet of its own."""
    index = FrameIndex(np.arange(8), np.zeros(1, np.int64), Fraction(1, 50), exact=True, last_duration=1)
    pictures = [(number, av.VideoFrame(16, 16, "yuv420p")) for number in (0, 2, 4, 6)]
    found = list(completed(iter(pictures), index, codec))
    assert [decoded.number for decoded in found] == (list(range(8)) if filled else [0, 2, 4, 6])
    assert [decoded.damaged for decoded in found] == [decoded.number % 2 == 1 for decoded in found]


def test_a_picture_that_vp8_never_shows_is_no_frame(tmp_path):
    """Encoders that look ahead store pictures that others lean on, at the time of one that is shown."""
    source = make(tmp_path / "source.webm", Recipe(codec="libvpx", pts=PTS, options={"g": "10"}))
    path = tmp_path / "a.webm"
    with av.open(str(source)) as before, av.open(str(path), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0], opaque=True)
        for packet in before.demux(video=0):
            if packet.size and packet.is_keyframe:
                hidden = av.Packet(bytes([bytes(packet)[0] & ~0x10]) + bytes(packet)[1:])
                hidden.pts, hidden.dts, hidden.time_base = packet.pts, packet.dts, packet.time_base
                hidden.is_keyframe, hidden.stream = True, stream
                after.mux(hidden)
            if packet.size:
                packet.stream = stream
                after.mux(packet)
    with open_video(source) as video:
        whole = list(video)
    with open_video(path) as video:
        found = list(video)
    assert [frame.pts for frame in found] == [frame.pts for frame in whole]
    assert probe(path).frames == len(whole) == 40
    np.testing.assert_array_equal(read_clip(path, 23, 2), np.stack([frame.rgb for frame in whole[23:25]]))


def joined(target: Path, *parts: Path) -> Path:
    """The packets of several files in one stream, one part after the other."""
    with av.open(str(parts[0])) as first, av.open(str(target), "w") as output:
        stream = output.add_stream_from_template(first.streams.video[0], opaque=True)
        delay = 0
        for part in parts:
            with av.open(str(part)) as source:
                packets = [packet for packet in source.demux(video=0) if packet.size]
                for packet in packets:
                    packet.pts = packet.dts = packet.pts + delay
                    packet.stream = stream
                    output.mux(packet)
                delay += round(len(packets) / 25 / source.streams.video[0].time_base)
    return target


@pytest.mark.parametrize(
    ("suffix", "codec", "second"),
    [
        (".ts", "libx264", "yuv420p"),
        (".ts", "libx264", "yuv422p"),
        (".webm", "libvpx-vp9", "yuv420p"),
        (".avi", "mjpeg", "yuvj444p"),
    ],
)
def test_a_size_that_changes_is_fitted_to_the_first(suffix, codec, second, tmp_path):
    first = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = {"crf": "10", "g": "10", "bf": "0"} if codec != "mjpeg" else {"q": "2"}
    recipes = [
        Recipe(codec, first, size=(96, 64), pts=range(0, 10 * 512, 512), options=options),
        Recipe(codec, second, size=(192, 128), pts=range(0, 10 * 512, 512), options=options),
    ]
    parts = [make(tmp_path / f"{number}{suffix}", recipe) for number, recipe in enumerate(recipes)]
    path = joined(tmp_path / f"both{suffix}", *parts)
    with open_video(path) as video, write_video(tmp_path / "target.mkv", video.info) as writer:
        frames = list(video)
        for frame in frames:
            writer.write(frame)
    assert len(frames) == probe(path).frames == probe(tmp_path / "target.mkv").frames == 20
    assert {(frame.width, frame.height, frame.layout.pix_fmt) for frame in frames} == {
        (96, 64, frames[0].layout.pix_fmt)
    }
    with open_video(parts[1]) as video:
        large = [frame.rgb for frame in video]
    for frame, expected in zip(frames[10:], large, strict=True):
        means = expected.reshape(64, 2, 96, 2, 3).mean(axis=(1, 3))
        assert np.abs(frame.rgb - means).mean() < 0.02
