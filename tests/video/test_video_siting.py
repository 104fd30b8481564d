"""Where chroma lies is read, computed with, and said in the copy."""

import numpy as np
import pytest
from raw_frames import copied, noise, store

from mlx_vader.video import Patch, open_video, probe
from mlx_vader.video.siting import Siting

LEFT, MIDDLE, FIRST = Siting(True, False), Siting(False, False), Siting(True, True)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "options", "expected"),
    [
        ("libx264", "yuv420p", {}, LEFT),
        ("libx264", "yuv420p", {"chroma_sample_location": "left"}, LEFT),
        ("libx264", "yuv420p", {"chroma_sample_location": "center"}, MIDDLE),
        ("libx264", "yuv420p10le", {"chroma_sample_location": "topleft"}, FIRST),
        ("mjpeg", "yuvj420p", {}, MIDDLE),
        ("mjpeg", "yuvj422p", {}, MIDDLE),
        ("mpeg1video", "yuv420p", {}, MIDDLE),
        ("mpeg2video", "yuv420p", {}, LEFT),
        ("ffv1", "yuv420p", {}, LEFT),  # it says nothing: as players have it
        ("ffv1", "yuv411p", {}, LEFT),
        ("ffv1", "yuv444p", {}, LEFT),
    ],
)
def test_it_is_read(codec, pix_fmt, options, expected, tmp_path):
    source = store(tmp_path / "source.mkv", [noise(pix_fmt, 64, 48)] * 2, codec, options)
    assert probe(source).siting == expected


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "ffv1"])
@pytest.mark.parametrize("place", ["left", "topleft"])
def test_it_is_said_in_the_copy(codec, place, tmp_path):
    source = store(
        tmp_path / "source.mkv", [noise("yuv420p", 64, 48)] * 2, "libx264", {"chroma_sample_location": place}
    )
    target = copied(source, tmp_path / "target.mkv", codec=codec)
    assert probe(target).siting == probe(source).siting


@pytest.mark.parametrize("codec", ["libx264", "mjpeg"])
def test_an_edit_keeps_chroma_in_its_place(codec, tmp_path):
    """There and back: a shift by half a pixel would change the two edges of a bar in opposite ways."""
    frame = noise("yuv420p" if codec == "libx264" else "yuvj420p", 64, 48)
    for number, plane in enumerate(frame.planes):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
        rows[:] = 120
        if number:
            rows[:, 8:16] = 150
    source = store(tmp_path / "source.mkv", [frame], codec, {"qp": "0"} if codec == "libx264" else {})
    with open_video(source) as video:
        read = next(iter(video))
    edited = read.edited([Patch(0, 0, read.rgb)])
    for before, after in zip(read.samples, edited.samples, strict=True):
        change = (after.astype(int) - before)[:, :24]
        assert np.abs(change).max() <= 5
        assert np.abs(change - change[:, ::-1]).max() <= 1
