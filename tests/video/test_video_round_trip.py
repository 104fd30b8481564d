"""Whatever a file holds comes out again."""

import io
import struct
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from video_files import Recipe, make, packets_of, picture, times_of

from mlx_vader.errors import UsageError
from mlx_vader.video import VideoInfo, open_video, probe, write_video

#: What may differ between a source and its copy, whatever the codec.
_OF_THE_FILE = {"path", "codec", "time_base"}


def copy(source: Path, target: Path, *, planes: bool = False, **options) -> VideoInfo:
    """Through RGB, or with the samples as they are."""
    with open_video(source) as video, write_video(target, video.info, **options) as writer:
        for frame in video:
            if planes:
                writer.write(frame)
            else:
                writer.write(frame.rgb, frame.pts, frame.time_base)
    return probe(target)


def differences(before: VideoInfo, after: VideoInfo) -> set[str]:
    return {name for name in vars(before) if getattr(before, name) != getattr(after, name)} - _OF_THE_FILE


def seconds(path: Path) -> list[Fraction]:
    with open_video(path) as video:
        return [frame.pts * frame.time_base for frame in video]


def psnr(source: Path, target: Path) -> float:
    with open_video(source) as before, open_video(target) as after:
        errors = [np.mean((a.rgb - b.rgb) ** 2) for a, b in zip(before, after, strict=True)]
    return float(-10 * np.log10(max(np.mean(errors), 1e-12)))


def languages(container: av.container.InputContainer) -> list[str | None]:
    return [stream.language for stream in (*container.streams.audio, *container.streams.subtitles)]


VARIABLE = (7, 3010, 6013, 7500, 15015, 21000, 21001, 30030, 45045, 46000, 47000, 60000)

QUIET_HEVC = {"x265-params": "log-level=none", "crf": "8"}

SOURCES = {
    "plain": Recipe(),
    "variable frame rate": Recipe(pts=VARIABLE, time_base=Fraction(1, 90000)),
    "tiny tick": Recipe(pts=tuple(33_367 * i for i in range(12)), time_base=Fraction(1, 1_000_000)),
    "odd size": Recipe(size=(175, 143), pix_fmt="yuv444p"),
    "odd size in AV1": Recipe(codec="libsvtav1", size=(175, 143), options={"preset": "12", "crf": "10"}),
    "10 bit HEVC": Recipe(
        codec="libx265", pix_fmt="yuv420p10le", options={"x265-params": "log-level=none", "crf": "8"}
    ),
    "10 bit H.264": Recipe(pix_fmt="yuv420p10le"),
    "4:2:2": Recipe(pix_fmt="yuv422p10le"),
    "full range": Recipe(pix_fmt="yuv420p", tags=(1, 1, 1, 2)),
    "BT.2020 PQ": Recipe(pix_fmt="yuv420p10le", tags=(9, 16, 9, 1)),
    "BT.601 PAL": Recipe(tags=(5, 6, 5, 1)),
    "wide pixels": Recipe(aspect=Fraction(4, 3)),
}


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("name", SOURCES)
def test_picture_properties_survive(name, planes, tmp_path):
    source = make(tmp_path / "source.mp4", SOURCES[name])
    before = probe(source)
    after = copy(source, tmp_path / "target.mp4", planes=planes, crf=8)
    assert differences(before, after) == set()
    assert after.codec == before.codec
    assert seconds(source) == seconds(tmp_path / "target.mp4")
    assert psnr(source, tmp_path / "target.mp4") > 42


@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "libvpx-vp9", "ffv1"])
def test_every_encoder_keeps_timestamps_and_colours(codec, planes, tmp_path):
    recipe = replace(SOURCES["variable frame rate"], tags=(9, 16, 9, 1))
    source = make(tmp_path / "source.mp4", recipe)
    after = copy(source, tmp_path / "target.mp4", planes=planes, codec=codec, crf=8)
    assert differences(probe(source), after) == set()
    assert seconds(source) == seconds(tmp_path / "target.mp4")
    assert psnr(source, tmp_path / "target.mp4") > 38


@pytest.mark.parametrize("planes", [False, True])
def test_prores_gains_depth_and_keeps_times_and_colours(planes, tmp_path):
    recipe = replace(SOURCES["variable frame rate"], pix_fmt="yuv420p10le", tags=(9, 18, 9, 1))
    source = make(tmp_path / "source.mp4", recipe)
    after = copy(source, tmp_path / "target.mov", planes=planes, codec="prores_ks")
    assert after.pix_fmt == "yuv422p10le"
    assert after.color == probe(source).color
    with av.open(str(tmp_path / "target.mov")) as container:
        frame = next(container.decode(video=0))  # the pictures say so too
    assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (9, 18, 9)
    assert seconds(source) == seconds(tmp_path / "target.mov")
    assert psnr(source, tmp_path / "target.mov") > 40


def test_colours_that_only_the_container_tells_are_kept(tmp_path):
    """ProRes of ffmpeg before 5.1 names them in MOV's `colr` alone: its pictures say that they are unknown."""
    recipe = Recipe(codec="prores_ks", pix_fmt="yuv422p10le", tags=(9, 18, 9, 1), options={})
    source = make(tmp_path / "source.mov", recipe)
    source.write_bytes(_without_colours(source.read_bytes()))
    assert probe(source).color.primaries == 9
    after = copy(source, tmp_path / "target.mov", planes=True)
    assert after.color == probe(source).color
    target = (tmp_path / "target.mov").read_bytes()
    assert target[target.index(b"icpf") + 18 :][:3] == bytes([9, 18, 9])
    assert target[target.index(b"colr") :][4:14] == b"nclc" + struct.pack(">3H", 9, 18, 9)


def _without_colours(prores: bytes) -> bytes:
    """The frame headers of a ProRes file with unknown primaries, transfer and matrix."""
    content, place = bytearray(prores), prores.find(b"icpf")
    while place >= 0:
        content[place + 18 : place + 21] = bytes([2, 2, 2])
        place = prores.find(b"icpf", place + 1)
    return bytes(content)


def test_rgb_in_ffv1_is_exact(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (5, 63, 95, 3)).astype(np.float32) / 255
    info = probe(make(tmp_path / "like.mkv", Recipe(codec="ffv1", pix_fmt="bgr0", options={})))
    with write_video(tmp_path / "target.mkv", info, codec="ffv1") as writer:
        for frame in frames:
            writer.write(frame)
    with open_video(tmp_path / "target.mkv") as video:
        np.testing.assert_allclose(np.stack([frame.rgb for frame in video]), frames, atol=1e-6)
        assert video.info.pix_fmt == "bgr0"


EVERYTHING = Recipe(
    audio=("eng", "fra"),
    subtitles=("deu", "spa"),
    chapters=("Opening", "End"),
    metadata={"title": "A film", "comment": "with everything"},
    audio_start=Fraction(1, 8),
)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_audio_subtitles_chapters_and_metadata_survive(suffix, tmp_path):
    codec = "subrip" if suffix == ".mkv" else "mov_text"
    source = make(tmp_path / f"source{suffix}", replace(EVERYTHING, subtitle_codec=codec))
    target = tmp_path / f"target{suffix}"
    after = copy(source, target)
    assert (after.audio, after.subtitles) == (2, 2)
    assert packets_of(source, "audio") == packets_of(target, "audio")
    assert times_of(source, "audio") == times_of(target, "audio")
    assert packets_of(source, "subtitle") == packets_of(target, "subtitle")
    assert times_of(source, "subtitle") == times_of(target, "subtitle")
    with av.open(str(source)) as before, av.open(str(target)) as copied:
        assert languages(copied) == languages(before)
        assert languages(copied)[:2] == ["eng", "fra"]
        # MP4 keeps a track's name as its handler's.
        assert [s.metadata.get("title", s.metadata.get("handler_name")) for s in copied.streams.audio] == [
            s.metadata.get("title", s.metadata.get("handler_name")) for s in before.streams.audio
        ]
        assert [s.disposition for s in copied.streams.audio] == [s.disposition for s in before.streams.audio]
        assert copied.metadata["title"] == "A film"
        assert copied.metadata.get("comment", copied.metadata.get("COMMENT")) == "with everything"
        assert [chapter["metadata"]["title"] for chapter in copied.chapters()] == ["Opening", "End"]
        starts = [chapter["start"] * chapter["time_base"] for chapter in copied.chapters()]
        assert starts == [0, Fraction(3, 10)]


@pytest.mark.parametrize(
    ("source_suffix", "source_codec", "target_suffix", "target_codec"),
    [
        (".mkv", "subrip", ".mp4", "mov_text"),
        (".mp4", "mov_text", ".mkv", "subrip"),
        (".mkv", "subrip", ".webm", "webvtt"),
    ],
)
def test_subtitles_become_what_the_container_holds(
    source_suffix, source_codec, target_suffix, target_codec, tmp_path
):
    recipe = Recipe(subtitles=("eng",), subtitle_codec=source_codec, audio=("eng",), audio_codec="libopus")
    source = make(tmp_path / f"source{source_suffix}", replace(recipe, texts=("first line", "second line")))
    target = tmp_path / f"target{target_suffix}"
    copy(source, target)
    with av.open(str(target)) as container:
        stream = container.streams.subtitles[0]
        assert stream.codec_context.codec.canonical_name == target_codec
        assert stream.language == "eng"
        lines = [
            b"".join(s.dialogue for s in stream.decode(packet))
            for packet in container.demux(stream)
            if packet.size
        ]
    assert [line for line in lines if line.strip()] == [b"first line", b"second line"]
    assert [time for time in times_of(target, "subtitle")[0] if time in {0, Fraction(1, 2)}] == [
        0,
        Fraction(1, 2),
    ]


def test_a_container_that_cannot_hold_the_sound_is_refused_before_work(tmp_path):
    source = make(tmp_path / "source.mkv", Recipe(audio=("eng",), audio_codec="pcm_s16le"))
    with pytest.raises(UsageError, match=r"\.webm cannot hold audio stream 1 \(pcm_s16le\)") as refusal:
        write_video(tmp_path / "target.webm", probe(source))
    assert "target.mkv" in refusal.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["source.mkv"]


@pytest.mark.parametrize("suffixes", [(".mp4", ".mp4"), (".mp4", ".mkv"), (".mkv", ".mp4"), (".mkv", ".mkv")])
def test_cover_art_survives(suffixes, tmp_path):
    png = io.BytesIO()
    Image.fromarray(picture(0, (16, 16))).save(png, "PNG")
    source = make(tmp_path / f"source{suffixes[0]}", Recipe(cover=png.getvalue(), audio=("eng",)))
    target = tmp_path / f"target{suffixes[1]}"
    after = copy(source, target)
    assert after.frames == 24
    assert packets_of(source, "audio") == packets_of(target, "audio")
    with av.open(str(target)) as container:
        covers = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
        assert len(covers) == 1
        assert bytes(next(packet for packet in container.demux(covers[0]) if packet.size)) == png.getvalue()


def test_attachments_survive_in_matroska_and_are_reported_elsewhere(tmp_path):
    source = make(tmp_path / "source.mkv", Recipe(attachment=b"a font, say"))
    copy(source, tmp_path / "target.mkv")
    with av.open(str(tmp_path / "target.mkv")) as container:
        assert [stream.data for stream in container.streams if stream.type == "attachment"] == [
            b"a font, say"
        ]
    with open_video(source) as video, write_video(tmp_path / "target.mp4", video.info) as writer:
        for frame in video:
            writer.write(frame.rgb, frame.pts)
    assert writer.left_out == ("attachment stream 1 (unknown)",)


def test_hdr_metadata_survives(tmp_path):
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    params = f"log-level=none:master-display={display}:max-cll=1000,400"
    recipe = Recipe(
        codec="libx265", pix_fmt="yuv420p10le", tags=(9, 16, 9, 1), options={"x265-params": params}
    )
    source = make(tmp_path / "source.mp4", recipe)
    before = probe(source)
    assert before.hdr is not None
    assert before.hdr.light == (1000, 400)
    assert before.hdr.luminance == (0.005, 1000.0)
    for codec in ("libx265", "libx264", "libsvtav1"):
        after = copy(source, tmp_path / f"{codec}.mp4", codec=codec)
        assert after.hdr is not None
        assert after.hdr.light == before.hdr.light
        np.testing.assert_allclose(after.hdr.primaries, before.hdr.primaries, atol=1e-4)
        np.testing.assert_allclose(after.hdr.luminance, before.hdr.luminance, rtol=0.01, atol=1e-4)


def test_pixel_aspect_that_would_be_lost_is_refused(tmp_path):
    source = make(tmp_path / "source.mp4", Recipe(aspect=Fraction(4, 3)))
    with pytest.raises(UsageError, match="would lose the pixel aspect ratio 4/3"):
        write_video(tmp_path / "target.webm", probe(source))


def test_a_broadcast_begins_at_zero_with_sound_in_step(tmp_path):
    hour = 3600 * 90000
    pts = tuple(range(hour, hour + 24 * 3600, 3600))
    recipe = Recipe(audio=("eng",), audio_start=Fraction(3600), time_base=Fraction(1, 90000), pts=pts)
    source = make(tmp_path / "source.ts", recipe)
    target = tmp_path / "target.mp4"
    copy(source, target)

    def lead(path):
        return times_of(path, "audio")[0][0] - seconds(path)[0]

    assert seconds(source)[0] >= 3600
    assert seconds(target)[0] < Fraction(1, 10)
    assert abs(lead(source) - lead(target)) < Fraction(1, 10000)
    assert packets_of(target, "audio")


def test_backward_timestamps_come_out_in_order(tmp_path):
    """Packets that carry decoding times as display times, as some recorders write them."""
    tidy = make(tmp_path / "tidy.mp4", Recipe())
    mixed = tmp_path / "mixed.mp4"
    with av.open(str(tidy)) as source, av.open(str(mixed), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            packet.pts = packet.dts = 512 * number
            packet.stream = stream
            output.mux(packet)
    with open_video(mixed) as video:
        assert [frame.pts for frame in video] == [512 * number for number in range(24)]
    copy(mixed, tmp_path / "target.mp4")
    assert seconds(tmp_path / "target.mp4") == [Fraction(number, 25) for number in range(24)]


def test_the_sound_of_a_real_clip_is_copied_bit_by_bit_and_in_time(bunny, tmp_path):
    """An AAC track that begins with the silence its encoder needs, which an edit list hides."""
    target = tmp_path / "target.mp4"
    with open_video(bunny, 0, 3) as video, write_video(target, video.info) as writer:
        for frame in video:
            writer.write(frame.rgb, frame.pts)
    assert packets_of(bunny, "audio") == packets_of(target, "audio")
    assert times_of(bunny, "audio") == times_of(target, "audio")


def test_frames_of_another_size_are_written_with_everything_else(tmp_path):
    """A preview of three pictures side by side, with a matrix that no player has to guess."""
    source = make(tmp_path / "source.mp4", Recipe(size=(640, 64), audio=("eng",)))
    target = tmp_path / "target.mp4"
    with open_video(source) as video, write_video(target, video.info, crf=8) as writer:
        for frame in video:
            writer.write(np.concatenate([frame.rgb] * 3, axis=1), frame.pts)
    assert probe(target).width == 1920
    assert packets_of(source, "audio") == packets_of(target, "audio")
    with open_video(source) as before, open_video(target) as after:
        for a, b in zip(before, after, strict=True):
            assert np.abs(a.rgb - b.rgb[:, 640:1280]).mean() < 0.01


@pytest.mark.parametrize("name", ["12:30.mp4", "a b'c.mp4", "50%d.mp4", "été.mkv", "-i.mp4"])
def test_any_file_name_is_fine(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "source.mp4", Recipe()).rename(name)
    assert copy(Path(name), Path(f"out {name}")).frames == 24


_COPY = """
import resource, sys
from mlx_vader.video import open_video, write_video
with open_video(sys.argv[1]) as video, write_video(sys.argv[2], video.info, codec="libx264") as writer:
    for frame in video:
        writer.write(frame.rgb, frame.pts, frame.time_base)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_length(tmp_path):
    peaks = []
    for count in (100, 1000):
        recipe = Recipe(size=(320, 240), pts=tuple(range(0, count * 512, 512)), audio=("eng",))
        source = make(tmp_path / f"{count}.mp4", recipe)
        command = [sys.executable, "-c", _COPY, str(source), str(tmp_path / "out.mp4")]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert peaks[1] < 1.05 * peaks[0]
