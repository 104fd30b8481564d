"""`--codec auto` keeps what the source is as far as the target can hold it; names of codecs may be spelled as usual."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from video_files import Recipe, make

from mlx_vader.errors import UsageError
from mlx_vader.video import encoders, open_video, plan_encoding, probe, write_video
from mlx_vader.video.encoders import ENCODERS, encoder_name


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return probe(make(tmp_path_factory.mktemp("plain") / "source.mp4", Recipe()))


def chosen(info, name):
    encoding = plan_encoding(Path(name), info)
    return encoding.codec, encoding.pix_fmt, encoding.losses


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "name", "expected"),
    [
        ("h264", "yuv420p", "a.mp4", ("libx264", "yuv420p", ())),
        ("h264", "yuv420p10le", "a.mp4", ("libx264", "yuv420p10le", ())),
        ("hevc", "yuv420p", "a.mov", ("libx265", "yuv420p", ())),
        ("hevc", "yuv420p10le", "a.m4v", ("libx265", "yuv420p10le", ())),
        ("hevc", "yuv422p12le", "a.mkv", ("libx265", "yuv422p12le", ())),
        ("av1", "yuv420p10le", "a.webm", ("libsvtav1", "yuv420p10le", ())),
        ("av1", "yuv420p12le", "a.mp4", ("libx265", "yuv420p12le", ())),
        ("av1", "yuv444p", "a.mkv", ("libx264", "yuv444p", ())),
        ("vp9", "yuv420p", "a.mp4", ("libvpx-vp9", "yuv420p", ())),
        ("vp9", "yuv420p10le", "a.webm", ("libsvtav1", "yuv420p10le", ())),
        ("prores", "yuv422p10le", "a.mov", ("prores_ks", "yuv422p10le", ())),
        ("prores", "yuv422p10le", "a.mp4", ("libx265", "yuv422p10le", ())),
        ("prores", "yuv444p12le", "a.mov", ("prores_ks", "yuv444p10le", ("12 bits become 10",))),
        ("ffv1", "gbrp12le", "a.mkv", ("ffv1", "gbrp12le", ())),
        ("ffv1", "yuv420p12le", "a.mp4", ("libx265", "yuv420p12le", ())),
        ("ffv1", "gray16le", "a.mp4", ("libx265", "yuv420p12le", ("16 bits become 12",))),
        ("jpeg2000", "yuv444p16le", "a.mkv", ("ffv1", "yuv444p16le", ())),
        ("mpeg2video", "yuv422p", "a.mp4", ("libx264", "yuv422p", ())),
        ("dnxhd", "yuv422p10le", "a.mov", ("libx265", "yuv422p10le", ())),
        ("png", "rgb24", "a.mov", ("libx264", "yuv444p", ("RGB becomes Y'CbCr",))),
    ],
)
def test_auto_keeps_codec_depth_and_chroma(plain, codec, pix_fmt, name, expected):
    bits = av.VideoFormat(pix_fmt).components[0].bits
    assert chosen(replace(plain, codec=codec, pix_fmt=pix_fmt, bit_depth=bits), name) == expected


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "name", "expected"),
    [
        ("prores", "yuva444p12le", "a.mov", "prores_ks"),
        ("prores", "yuva444p12le", "a.mkv", "prores_ks"),
        ("qtrle", "argb", "a.mov", "prores_ks"),
        ("qtrle", "argb", "a.mkv", "ffv1"),
        ("qtrle", "argb", "a.webm", "libvpx-vp9"),
        ("vp9", "yuva420p", "a.webm", "libvpx-vp9"),
        ("vp9", "yuva420p", "a.mkv", "libvpx-vp9"),
        ("vp9", "yuva420p", "a.mov", "prores_ks"),
        ("ffv1", "yuva444p16le", "a.mkv", "ffv1"),
        ("gif", "bgra", "a.mkv", "ffv1"),
    ],
)
def test_auto_keeps_alpha(plain, codec, pix_fmt, name, expected):
    encoder, _, losses = chosen(replace(plain, codec=codec, pix_fmt=pix_fmt), name)
    assert encoder == expected
    assert "alpha" not in losses


@pytest.mark.parametrize("codec", ["auto", "libvpx-vp9", "libx264"])
def test_mp4_is_said_to_lose_alpha(plain, codec):
    encoding = plan_encoding(Path("a.mp4"), replace(plain, codec="vp9", pix_fmt="yuva420p"), codec=codec)
    assert encoding.losses == ("alpha",)
    assert encoding.pix_fmt == "yuv420p"


def test_fields_count_more_than_the_family(plain):
    interlaced = replace(plain, codec="hevc", field_order="tff")
    assert chosen(interlaced, "a.mp4") == ("libx264", "yuv420p", ())


def test_matroska_gets_an_encoder_that_tells_the_shape_of_pixels(plain):
    wide = replace(plain, codec="vp9", sample_aspect_ratio=Fraction(4, 3))
    assert chosen(wide, "a.mkv")[0] == "libx264"
    with pytest.raises(UsageError, match="pixel aspect ratio 4/3") as refusal:
        plan_encoding(Path("a.webm"), wide)
    assert refusal.value.hint == "write a.mp4"
    with pytest.raises(UsageError, match="pixel aspect ratio") as refusal:
        plan_encoding(Path("a.mkv"), wide, codec="ffv1")
    assert refusal.value.hint == "use libx264 or libx265"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hevc", "libx265"),
        ("h265", "libx265"),
        ("H.265", "libx265"),
        ("x265", "libx265"),
        ("h264", "libx264"),
        ("avc", "libx264"),
        ("AV1", "libsvtav1"),
        ("vp9", "libvpx-vp9"),
        ("prores", "prores_ks"),
        ("libx265", "libx265"),
        ("hevc_videotoolbox", "hevc_videotoolbox"),
    ],
)
def test_codecs_have_their_usual_names(name, expected):
    assert encoder_name(name) == expected
    assert expected in ENCODERS


def test_a_codec_that_does_not_exist_is_named_as_it_was_given(plain):
    with pytest.raises(UsageError, match=r"no codec Magic"):
        plan_encoding(Path("a.mp4"), plain, codec="Magic")


@pytest.mark.skipif(not encoders()["libx265"], reason="no HEVC encoder")
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_hevc_is_called_what_apple_players_want(suffix, tmp_path):
    source = make(tmp_path / "source.mp4", Recipe())
    target = tmp_path / f"target{suffix}"
    with open_video(source) as video, write_video(target, video.info, codec="hevc") as writer:
        for frame in video:
            writer.write(frame)
    with av.open(str(target)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.codec_tag == "hvc1"
        assert len(list(container.decode(stream))) == 24
