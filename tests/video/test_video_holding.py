"""What a container cannot hold is known before work begins, by trying; what is left out is named."""

import io
from fractions import Fraction

import av
import pytest
from PIL import Image
from video_files import Recipe, make, picture

from mlx_vader.errors import UsageError
from mlx_vader.video import default_suffix, open_video, probe, write_video

MPEG4 = {"codec": "mpeg4", "options": {}, "time_base": Fraction(1, 25), "pts": range(5)}


def copy(source, target, **options):
    with open_video(source) as video, write_video(target, video.info, **options) as writer:
        for frame in video:
            writer.write(frame)
    return writer.left_out


@pytest.mark.parametrize("codec", ["libopus", "flac", "wavpack"])
def test_sound_that_mov_refuses_is_named_before_work(codec, tmp_path):
    source = make(tmp_path / "source.mkv", Recipe(audio=("eng",), audio_codec=codec))
    with pytest.raises(
        UsageError, match=r"\.mov cannot hold audio stream 1 \((opus|flac|wavpack)\)"
    ) as refusal:
        write_video(tmp_path / "target.mov", probe(source))
    assert refusal.value.hint == "write target.mkv instead"
    assert [path.name for path in tmp_path.iterdir()] == ["source.mkv"]


def test_the_hint_names_a_container_that_holds_all(tmp_path):
    source = make(tmp_path / "source.mkv", Recipe(audio=("eng",), audio_codec="pcm_s16le"))
    with pytest.raises(UsageError) as refusal:
        write_video(tmp_path / "target.webm", probe(source))
    suggested = tmp_path / refusal.value.hint.split()[1]
    assert copy(source, suggested) == ()


def test_sound_that_no_container_holds_has_a_way_out(tmp_path):
    source = make(tmp_path / "source.avi", Recipe(**MPEG4, audio=("eng",), audio_codec="adpcm_ms"))
    with pytest.raises(UsageError, match=r"audio stream 1 \(adpcm_ms\)") as refusal:
        write_video(tmp_path / "target.mp4", probe(source))
    assert refusal.value.hint == "clean a copy: ffmpeg -i 'source.avi' -map 0 -c copy -c:a flac copy.mkv"


def without_packets_of(pid, stream):
    packets = [stream[place : place + 188] for place in range(0, len(stream), 188)]
    return b"".join(packet for packet in packets if int.from_bytes(packet[1:3], "big") & 0x1FFF != pid)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_is_announced_and_never_comes_is_left_out(suffix, tmp_path):
    recipe = Recipe(audio=("eng", "fra"), audio_codec="mp2")
    source = make(tmp_path / "source.ts", recipe)
    source.write_bytes(without_packets_of(0x101, source.read_bytes()))
    left_out = copy(source, tmp_path / f"target{suffix}")
    assert len(left_out) == 1
    assert left_out[0].startswith("audio stream 1 (")
    assert left_out[0].endswith("empty)")
    assert probe(tmp_path / f"target{suffix}").audio == 1


def test_titles_of_tracks_are_kept_and_lost_tags_are_named(tmp_path):
    plain = make(tmp_path / "plain.mkv", Recipe(audio=("eng", "fra"), cover=_png()))
    source = tmp_path / "source.mkv"
    with av.open(str(plain)) as before, av.open(str(source), "w") as after:
        after.metadata.update({"title": "A film", "PROJECT": "x"})
        copies = {
            s.index: after.add_stream_from_template(s, opaque=True)
            for s in before.streams
            if not _is_cover(s)
        }
        for number, stream in copies.items():
            stream.metadata["title"] = f"track {number}"
        after.add_attachment("cover.png", "image/png", _png())
        for packet in before.demux([before.streams[number] for number in copies]):
            if packet.size:
                packet.stream = copies[packet.stream.index]
                after.mux(packet)
    assert copy(source, tmp_path / "target.mkv") == ()
    assert copy(source, tmp_path / "target.mp4") == ("tag PROJECT",)
    with av.open(str(tmp_path / "target.mp4")) as container:
        told = [stream.metadata["handler_name"] for stream in container.streams if not _is_cover(stream)]
        assert told == ["track 0", "track 1", "track 2"]
        assert container.metadata["title"] == "A film"


def test_the_style_of_subtitles_that_become_plain_is_said_to_be_lost(tmp_path):
    header = "[Script Info]\n[V4+ Styles]\nFormat: Name\nStyle: Default\n[Events]\nFormat: Layer, Text\n"
    source = tmp_path / "source.mkv"
    with av.open(str(source), "w") as output:
        video = output.add_stream("libx264", rate=25, width=96, height=64)
        subtitles = output.add_stream("ass")
        subtitles.codec_context.subtitle_header = header.encode()
        subtitles.metadata["language"] = "deu"
        packet = av.Packet(b"0,0,Default,,0,0,0,,{\\b1}bold")
        packet.pts, packet.dts, packet.duration, packet.time_base = 0, 0, 100, Fraction(1, 1000)
        packet.stream = subtitles
        pictures = video.encode(av.VideoFrame.from_ndarray(picture(0, (96, 64)), "rgb24"))
        output.mux([*pictures, *video.encode(None), packet])
    assert copy(source, tmp_path / "target.mkv") == ()
    assert copy(source, tmp_path / "target.mp4") == ("style of subtitle stream 1 (ass)",)


def _is_cover(stream):
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _png():
    png = io.BytesIO()
    Image.fromarray(picture(0, (16, 16))).save(png, "PNG")
    return png.getvalue()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_timecode_is_kept_and_not_said_to_be_lost(suffix, tmp_path):
    source = tmp_path / "source.mov"
    with av.open(str(source), "w") as output:
        stream = output.add_stream("libx264", rate=25, width=96, height=64)
        stream.metadata["timecode"] = "01:00:00:00"
        for index in range(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index, (96, 64)), "rgb24")))
        output.mux(stream.encode(None))
    with av.open(str(source)) as container:
        assert [s.type for s in container.streams] == ["video", "data"]
    assert copy(source, tmp_path / f"target{suffix}") == ()
    with av.open(str(tmp_path / f"target{suffix}")) as container:
        kept = {key.lower(): text for key, text in container.streams.video[0].metadata.items()}
    assert kept["timecode"] == "01:00:00:00"


@pytest.mark.parametrize(
    ("name", "recipe", "expected"),
    [
        ("a.mp4", Recipe(), ".mp4"),
        ("a.MKV", Recipe(), ".mkv"),
        ("a.ts", Recipe(audio=("eng",), audio_codec="mp2"), ".mp4"),
        ("a.avi", Recipe(**MPEG4), ".mp4"),
        ("a.webm", Recipe(codec="libvpx-vp9", options={"b": "1M"}), ".webm"),
        ("a.nut", Recipe(codec="ffv1", options={}, audio=("eng",), audio_codec="wavpack"), ".mkv"),
        ("a.avi", Recipe(**MPEG4, audio=("eng",), audio_codec="pcm_mulaw"), ".mov"),
        ("missing.avi", None, ".mp4"),
    ],
)
def test_a_result_without_a_name_is_a_file_that_holds_it(name, recipe, expected, tmp_path):
    if recipe is not None:
        make(tmp_path / f"a{name[1:].lower()}", recipe).rename(tmp_path / name)
    assert default_suffix(tmp_path / name) == expected


def test_webm_with_wide_pixels_becomes_mp4(tmp_path):
    recipe = Recipe(codec="libvpx-vp9", options={"b": "1M"}, aspect=Fraction(4, 3))
    source = make(tmp_path / "source.mp4", recipe)
    renamed = source.rename(tmp_path / "source.webm")
    assert probe(renamed).sample_aspect_ratio == Fraction(4, 3)
    assert default_suffix(renamed) == ".mp4"
