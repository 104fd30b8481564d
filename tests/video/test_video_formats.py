"""Files in all pixel formats: what is copied keeps every sample, and what a codec cannot hold is said."""

import av
import numpy as np
import pytest
from raw_frames import copied, decoded, frame_of, noise, store
from video_files import Recipe, make

from mlx_vader.video import Patch, open_video, plan_encoding, probe
from mlx_vader.video.layouts import rearranged
from mlx_vader.video.planes import samples

#: Source format, and how a file of it is made.
EXACT = {
    "yuv420p": ("ffv1", {}, 1),
    "yuv422p": ("ffv1", {}, 1),
    "yuv411p": ("ffv1", {}, 1),
    "yuv420p10le": ("ffv1", {}, 1),
    "yuv422p10le": ("ffv1", {}, 1),
    "yuv444p12le": ("ffv1", {}, 1),
    "yuv420p16le": ("ffv1", {}, 1),
    "yuvj420p": ("libx264", {"qp": "0"}, 2),
    "nv12": ("rawvideo", {}, 1),
    "gray": ("ffv1", {}, 2),
    "gray12le": ("ffv1", {}, 1),
    "bgr0": ("ffv1", {}, 2),
    "rgb24": ("rawvideo", {}, 2),
    "gbrp10le": ("ffv1", {}, 2),
    "gbrp14le": ("ffv1", {}, 2),
    "yuva420p": ("ffv1", {}, 1),
    "yuva444p10le": ("ffv1", {}, 1),
    "bgra": ("ffv1", {}, 2),
    "rgba": ("png", {}, 2),
    "gbrap12le": ("ffv1", {}, 2),
}


@pytest.mark.parametrize("size", [(64, 48), (51, 37)])
@pytest.mark.parametrize("pix_fmt", EXACT)
def test_ffv1_gives_back_every_sample(pix_fmt, size, tmp_path):
    codec, options, color_range = EXACT[pix_fmt]
    if codec == "libx264" and size[0] % 2:
        pytest.skip("x264 has no 4:2:0 of odd sizes")
    frames = [noise(pix_fmt, *size, seed) for seed in range(3)]
    source = store(tmp_path / "source.nut", frames, codec, options, color_range)
    target = copied(source, tmp_path / "target.mkv", codec="ffv1")
    before, after = decoded(source), decoded(target)
    assert len(before) == len(after) == 3
    for a, b in zip(before, after, strict=True):
        for plane, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(plane, other)
    info = plan_encoding(target, probe(source), codec="ffv1")
    assert info.losses == ()
    assert probe(target).color.range == probe(source).color.range


def test_an_unedited_frame_of_a_real_clip_is_the_same(carphone, tmp_path):
    target = copied(carphone, tmp_path / "target.mp4", codec="ffv1")
    for a, b in zip(decoded(carphone), decoded(target), strict=True):
        for plane, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(plane, other)


def test_pictures_that_the_decoder_crops(tmp_path):
    """H.264 of 1080 rows is 1088 rows with the last eight cut off; the lines are padded too."""
    source = make(tmp_path / "source.mp4", Recipe(size=(90, 70)))
    target = copied(source, tmp_path / "target.mkv", codec="ffv1")
    before, after = decoded(source), decoded(target)
    assert before[0][0].shape == (70, 90)
    for a, b in zip(before, after, strict=True):
        for plane, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(plane, other)


@pytest.mark.parametrize(
    ("codec", "target"),
    [("libx264", "target.mp4"), ("prores_ks", "target.mov"), ("libvpx-vp9", "target.webm")],
)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "gray", "bgr0", "yuv444p12le", "yuva420p"])
def test_other_formats_get_the_same_colours(pix_fmt, codec, target, tmp_path):
    """Planes that are converted and RGB that is encoded agree."""
    y, x = np.mgrid[0:64, 0:96]
    rgb = np.stack([0.5 + 0.3 * np.sin(x / 15 + y / 21 + k) for k in range(3)], -1).astype(np.float32)
    rgb = rgb if pix_fmt != "gray" else rgb[..., :1].repeat(3, -1)
    full = pix_fmt in {"gray", "bgr0"}
    frame = frame_of(pix_fmt, 96, 64, full=full, matrix=6).edited([Patch(0, 0, rgb)])
    picture = rearranged(frame.picture, pix_fmt)
    source = store(tmp_path / "source.mkv", [picture] * 2, "ffv1", color_range=2 if full else 1)
    copied(source, tmp_path / target, codec=codec, crf=4)
    with open_video(tmp_path / target) as video:
        found = next(iter(video)).rgb
    assert np.abs(found - rgb).mean() < 0.008


@pytest.mark.parametrize(
    ("codec", "suffix", "source", "expected"),
    [
        ("libx264", ".mp4", "yuv420p", ()),
        ("libx264", ".mp4", "yuva420p", ("alpha",)),
        ("libx264", ".mp4", "yuv422p12le", ("12 bits become 10",)),
        ("libx264", ".mp4", "bgra", ("alpha", "RGB becomes Y'CbCr")),
        ("prores_ks", ".mov", "yuva444p10le", ()),
        ("prores_ks", ".mov", "yuva444p12le", ("12 bits become 10",)),
        ("libvpx-vp9", ".webm", "yuva420p", ()),
        ("libvpx-vp9", ".webm", "yuva420p10le", ("10 bits become 8",)),
        ("libsvtav1", ".mp4", "yuv444p10le", ("4:4:4 becomes 4:2:0",)),
        ("ffv1", ".mkv", "gbrap16le", ()),
    ],
)
def test_what_an_encoding_cannot_hold_is_said(codec, suffix, source, expected, tmp_path):
    path = store(tmp_path / "source.mkv", [noise(source, 96, 64)], "ffv1")
    assert plan_encoding(tmp_path / f"target{suffix}", probe(path), codec=codec).losses == expected


@pytest.mark.parametrize(
    ("codec", "name"), [("prores_ks", "a.mov"), ("libvpx-vp9", "a.webm"), ("libvpx-vp9", "a.mkv")]
)
def test_alpha_survives(codec, name, tmp_path):
    y, x = np.mgrid[0:64, 0:96]
    frame = av.VideoFrame(96, 64, "yuva420p")
    for plane in samples(frame):
        plane[:] = 128
    samples(frame)[3][:] = x + y
    source = store(tmp_path / "source.mkv", [frame] * 3, "ffv1")
    target = copied(source, tmp_path / name, codec=codec, crf=4)
    assert probe(target).pix_fmt.startswith("yuva")
    with open_video(target) as video:
        for found in video:
            alpha = found.samples[3] * (255 / found.layout.top)
            assert np.abs(alpha - (x + y)).mean() < 1.5
