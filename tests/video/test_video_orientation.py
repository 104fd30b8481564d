"""Turned and mirrored videos: upright in RGB, stored as they were, and turned by the player as before."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from video_files import Recipe, make, picture, turn

from mlx_vader.errors import UsageError
from mlx_vader.video import Box, Patch, open_video, probe, write_video

#: (a, b, c, d) of a display matrix, how a picture is shown, and the degrees clockwise.
TURNS = {
    "90": ((0, 1, -1, 0), lambda rgb: np.rot90(rgb, -1), 90),
    "180": ((-1, 0, 0, -1), lambda rgb: np.rot90(rgb, 2), 180),
    "270": ((0, -1, 1, 0), lambda rgb: np.rot90(rgb), 270),
    "mirrored": ((-1, 0, 0, 1), lambda rgb: rgb[:, ::-1], 0),
    "upside down": ((1, 0, 0, -1), lambda rgb: rgb[::-1], 180),
    "transposed": ((0, 1, 1, 0), lambda rgb: rgb.swapaxes(0, 1), 90),
    "transposed the other way": ((0, -1, -1, 0), lambda rgb: rgb.swapaxes(0, 1)[::-1, ::-1], 270),
}
TARGETS = [
    ("target.mp4", "libx264"),
    ("target.mov", "libx264"),
    ("target.mkv", "libx264"),
    ("target.mkv", "ffv1"),
    ("target.webm", "libvpx-vp9"),
]


def display_matrix(path):
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        entries = [entry for entry in frame.side_data if entry.type == Type.DISPLAYMATRIX]
        size = frame.width, frame.height
    return tuple(np.frombuffer(bytes(entries[0]), np.int32)) if entries else None, size


@pytest.fixture(params=TURNS)
def turned(request, tmp_path):
    matrix, show, degrees = TURNS[request.param]
    return turn(make(tmp_path / "source.mp4", Recipe()), matrix), show, degrees


def test_frames_are_read_upright(turned):
    path, show, degrees = turned
    info = probe(path)
    with open_video(path) as video:
        frame = next(iter(video))
    expected = show(picture(0, (96, 64)))
    assert info.rotation == degrees
    assert (info.height, info.width) == (frame.height, frame.width) == expected.shape[:2]
    assert np.abs(frame.rgb - expected / 255).mean() < 0.02
    assert np.abs(frame.levels.astype(float) - expected).mean() < 5
    box = Box(7, 5, 31, 40)
    np.testing.assert_allclose(frame.region(box), frame.rgb[box.rows, box.columns], atol=1e-6)


@pytest.mark.parametrize(("name", "codec"), TARGETS)
@pytest.mark.parametrize("as_arrays", [False, True])
def test_the_stored_picture_and_the_matrix_are_kept(turned, name, codec, as_arrays, tmp_path):
    source, _, _ = turned
    target = tmp_path / name
    with open_video(source) as video, write_video(target, video.info, codec=codec, crf=4) as writer:
        for frame in video:
            writer.write(frame.rgb if as_arrays else frame, frame.pts, frame.time_base)
    assert display_matrix(target) == display_matrix(source)
    with open_video(source) as before, open_video(target) as after:
        for a, b in zip(before, after, strict=True):
            assert np.mean((a.rgb - b.rgb) ** 2) < 1e-4


def test_a_patch_is_put_where_it_is_seen(turned):
    path, _, _ = turned
    with open_video(path) as video:
        frame = next(iter(video))
    part = np.s_[10:21, 30:37]
    expected = frame.rgb.copy()
    expected[part] += 0.1  # grey: chroma stays, and nothing outside changes
    edited = frame.edited([Patch(10, 30, expected[part])])
    np.testing.assert_allclose(edited.rgb, expected, atol=0.02)
    assert np.abs(edited.rgb - expected).mean() < 0.001


def test_pixel_aspect_is_that_of_the_upright_picture(tmp_path):
    source = turn(make(tmp_path / "source.mp4", Recipe(aspect=Fraction(4, 3))), TURNS["90"][0])
    assert probe(source).sample_aspect_ratio == Fraction(3, 4)
    with open_video(source) as video, write_video(tmp_path / "target.mp4", video.info) as writer:
        for frame in video:
            writer.write(frame)
    with av.open(str(tmp_path / "target.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(4, 3)
    assert vars(probe(tmp_path / "target.mp4"))["sample_aspect_ratio"] == Fraction(3, 4)


def test_frames_of_another_size_are_written_upright(tmp_path):
    source = turn(make(tmp_path / "source.mp4", Recipe()), TURNS["90"][0])
    with open_video(source) as video, write_video(tmp_path / "target.mp4", video.info) as writer:
        for frame in video:
            writer.write(np.concatenate([frame.rgb] * 3, axis=1), frame.pts)
    assert display_matrix(tmp_path / "target.mp4") == (None, (192, 96))


def test_a_frame_that_is_not_turned_as_the_video_is_refused(tmp_path):
    source = turn(make(tmp_path / "source.mp4", Recipe()), TURNS["90"][0])
    writer = write_video(tmp_path / "target.mp4", probe(source))
    with open_video(source) as video:
        writer.write(next(iter(video)))
    with pytest.raises(UsageError, match="a frame of 96x64 in a video of 64x96"):
        writer.write(np.zeros((64, 96, 3), np.float32))
