"""`--codec auto` keeps what the source is as far as the target can hold it; names of codecs may be spelled as usual."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image
from video_files import Recipe, make, picture

from mlx_vader.errors import UsageError
from mlx_vader.video import encoders, open_video, plan_encoding, probe, write_video
from mlx_vader.video.encoders import ENCODERS, encoder_name
from mlx_vader.video.hdr import HdrMetadata


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


@pytest.mark.parametrize(("transparent", "expected"), [(False, "bgr0"), (True, "bgra")])
def test_a_gif_has_alpha_where_something_is_transparent(transparent, expected, tmp_path):
    """FFmpeg decodes every GIF with alpha."""
    images = [Image.fromarray(picture(8 * number, (96, 64))).convert("P") for number in range(3)]
    options = {"transparency": images[0].getpixel((5, 5)), "disposal": 2} if transparent else {}
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=40, **options)
    info = probe(tmp_path / "a.gif")
    assert info.pix_fmt == expected
    assert ("alpha" in plan_encoding(Path("a.mp4"), info).losses) == transparent
    assert chosen(info, "a.mkv")[0] == "ffv1"


def with_closed_captions(source, target):
    """An SEI message as CTA-708 has it, before the first picture."""
    captions = b"\xb5\x00\x31GA94\x03\x41\xff\xfc\x94\x2c\xff"
    message = bytes([6, 4, len(captions)]) + captions + b"\x80"
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        stream = after.add_stream_from_template(before.streams.video[0], opaque=True)
        for number, packet in enumerate(before.demux(before.streams.video[0])):
            if packet.size:
                changed = av.Packet(
                    (len(message).to_bytes(4, "big") + message) * (not number) + bytes(packet)
                )
                changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
                changed.is_keyframe, changed.stream = packet.is_keyframe, stream
                after.mux(changed)
    return target


def test_what_no_encoder_is_given_is_said_to_be_lost(plain, tmp_path):
    info = probe(with_closed_captions(plain.path, tmp_path / "captions.mp4"))
    assert info.not_written == ("closed captions",)
    assert chosen(info, "a.mp4") == ("libx264", "yuv420p", ("closed captions",))
    assert plain.not_written == ()


@pytest.mark.parametrize(("codec", "expected"), [("prores", ("HDR metadata",)), ("hevc", ())])
def test_hdr_metadata_that_an_encoder_does_not_write_is_said_to_be_lost(plain, codec, expected):
    hdr = HdrMetadata(light=(1000, 400))
    graded = replace(plain, codec=codec, pix_fmt="yuv422p10le", bit_depth=10, hdr=hdr)
    assert chosen(graded, "a.mov")[2] == expected


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
