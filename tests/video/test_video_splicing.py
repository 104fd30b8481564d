"""What nothing touches is copied as it is coded, joined with what is encoded, and decodes as if it were one stream."""

import shutil
import subprocess
from collections import Counter
from fractions import Fraction

import av
import numpy as np
import pytest
from test_video_cut import STEP, TICK, cut
from video_files import Recipe, make, packets_of, times_of

from mlx_vader.errors import VaderError
from mlx_vader.video import (
    Patch,
    SpliceWriter,
    assemble,
    check_output,
    finished_segments,
    open_video,
    plan_encoding,
    probe,
    splices_of,
)
from mlx_vader.video.nal import units_of
from mlx_vader.video.parameter_sets import is_set, units_of_record

PROGRAM = shutil.which("ffmpeg")
FRAMES = 60
TOUCHED = frozenset({21, 22, 50})
PTS = tuple(range(0, FRAMES * STEP, STEP))
H264 = {"preset": "veryfast", "g": "12", "bf": "2"}
HEVC = "log-level=none:keyint=12:min-keyint=12:bframes=3:frame-threads=1"


def h264(options=None, **fields):
    return Recipe(pts=PTS, options={**H264, **(options or {})}, audio=("eng",), **fields)


def hevc(params="open-gop=0", **fields):
    options = {"preset": "superfast", "x265-params": f"{HEVC}:{params}"}
    return Recipe(codec="libx265", pts=PTS, options=options, audio=("eng",), **fields)


#: By a name that ends in the container's suffix.
SOURCES = {
    "h264.mp4": h264(),
    "h264.mkv": h264({"bf": "5", "refs": "5"}),
    "without-b.mp4": h264({"bf": "0"}),
    "one-b.mp4": h264({"bf": "1", "refs": "1"}),
    "intra.mkv": h264({"g": "1"}),
    "baseline.mp4": h264({"profile": "baseline"}),
    "main.mp4": h264({"profile": "main", "level": "31"}),
    "other-number.mp4": h264({"x264-params": "sps-id=1:slices=3"}),
    "repeated.mkv": h264({"x264-params": "repeat-headers=1:aud=1"}),
    "uneven.mp4": Recipe(
        pts=tuple(sorted({37 * i + (i * i) % 29 for i in range(FRAMES)})),
        time_base=Fraction(1, 1000),
        options=H264,
        audio=("eng",),
    ),
    "deep.mp4": h264(pix_fmt="yuv422p10le"),
    "bright.mp4": h264(tags=(9, 16, 9, 2)),
    "hevc.mp4": hevc(),
    "hevc.mkv": hevc("open-gop=0:bframes=0:weightp=0:wpp=0"),
    "open.mp4": hevc("open-gop=1"),
    "open.mkv": hevc("open-gop=1:repeat-headers=1:aud=1", pix_fmt="yuv420p10le"),
    "leading.mp4": hevc("open-gop=0:radl=2"),
    "intra-hevc.mkv": hevc("keyint=1"),
    "large.mkv": hevc("open-gop=0", size=(160, 256)),
}


@pytest.fixture(scope="module", params=SOURCES)
def spliced(request, tmp_path_factory):
    """A source, the result, and its segments."""
    folder = tmp_path_factory.mktemp("spliced")
    source = make(folder / request.param, SOURCES[request.param])
    target = folder / f"target{source.suffix}"
    return source, target, splice(source, target)


def splice(source, target, touched=TOUCHED, every=None):
    """`source` with the frames of `touched` made darker; a segment ends after `every` frames."""
    encoding = plan_encoding(target, probe(source), crf=10)
    splices = splices_of(source, encoding)
    encoding = splices.matched(encoding)
    check_output(target, encoding, source, splices)
    folder = target.with_suffix(".job")
    folder.mkdir()
    writer = SpliceWriter(folder, encoding, splices)
    with open_video(source) as video:
        for frame in video:
            writer.write(darker(frame) if frame.index in touched else frame, touched=frame.index in touched)
            if every and (frame.index + 1) % every == 0:
                writer.cut()
    writer.close()
    segments = finished_segments(folder)
    assemble(segments, target, encoding, source, splices=splices)
    return segments


def darker(frame):
    return frame.edited([Patch(0, 0, frame.rgb / 2)])


def samples_of(path, start=0, stop=None):
    with open_video(path, start, stop) as video:
        return [[np.array(plane) for plane in frame.samples] for frame in video]


def is_same(ours, theirs):
    return all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))


def coded(path):
    """The packets of the picture, each as its units; without parameter sets, which a file may hold elsewhere."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec = stream.codec.canonical_name
        size = units_of_record(codec, stream.codec_context.extradata)[1]
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
    return [tuple(unit for unit in units_of(packet, size) if not is_set(codec, unit)) for packet in packets]


def warnings(path):
    """What the program says; its null muxer counts in whole frames, and takes offence at uneven times."""
    command = [PROGRAM, "-v", "warning", "-i", path, "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return [line for line in said.splitlines() if "[null" not in line]


def test_what_nothing_touches_stays_as_it_is_coded(spliced):
    source, target, segments = spliced
    before, after = samples_of(source), samples_of(target)
    assert len(before) == len(after)
    same = [is_same(*pair) for pair in zip(before, after, strict=True)]
    copied = sum(segment.frames for segment in segments if segment.copied)
    assert FRAMES / 3 <= copied <= sum(same) < FRAMES
    assert not any(same[index] for index in TOUCHED)
    assert times_of(source, "video") == times_of(target, "video")
    assert times_of(source, "audio") == times_of(target, "audio")
    assert packets_of(source, "audio") == packets_of(target, "audio")
    # Where a copy begins with a picture of an open group, that packet says that its leading pictures are missing.
    begins = sum(segment.copied for segment in segments[1:]) if "open" in source.name else 0
    assert (Counter(coded(source)) & Counter(coded(target))).total() >= copied - begins
    assert probe(target).pix_fmt == probe(source).pix_fmt
    assert probe(target).color == probe(source).color


def test_what_is_encoded_is_the_picture(spliced):
    source, target, _ = spliced
    with open_video(source) as first, open_video(target) as second:
        for before, after in zip(first, second, strict=True):
            wanted = before.rgb / 2 if before.index in TOUCHED else before.rgb
            assert np.mean((after.rgb - wanted) ** 2) < 2e-3
            assert not after.damaged


def test_decoding_can_begin_anywhere(spliced):
    target = spliced[1]
    whole = samples_of(target)
    for start in range(0, FRAMES - 2, 7):
        found = samples_of(target, start, start + 2)
        assert all(is_same(*pair) for pair in zip(found, whole[start : start + 2], strict=True))


@pytest.mark.skipif(not PROGRAM, reason="needs an ffmpeg on the PATH")
def test_the_ffmpeg_program_has_nothing_to_say(spliced):
    assert not warnings(spliced[1])


@pytest.mark.parametrize("touched", [{0}, {11}, {12}, {24, 36, 48}, {FRAMES - 1}, set(), set(range(FRAMES))])
@pytest.mark.parametrize(("name", "every"), [("h264.mp4", 5), ("open.mp4", None), ("open.mp4", 5)])
def test_wherever_it_is_touched_it_is_the_same_video(tmp_path, name, touched, every):
    source, target = make(tmp_path / name, SOURCES[name]), tmp_path / f"target{name}"
    segments = splice(source, target, touched, every)
    same = [is_same(*pair) for pair in zip(samples_of(source), samples_of(target), strict=True)]
    assert not any(same[index] for index in touched)
    assert sum(same) >= sum(segment.frames for segment in segments if segment.copied)
    assert all(same) == (not touched)
    assert times_of(source, "video") == times_of(target, "video")


@pytest.mark.parametrize("name", ["h264.mp4", "hevc.mp4"])
def test_the_result_can_be_spliced_again(tmp_path, name):
    source = make(tmp_path / name, SOURCES[name])
    splice(source, tmp_path / "once.mp4", {21})
    splice(tmp_path / "once.mp4", tmp_path / "twice.mp4", {45})
    same = [
        is_same(*pair) for pair in zip(samples_of(source), samples_of(tmp_path / "twice.mp4"), strict=True)
    ]
    assert not same[21]
    assert not same[45]
    assert sum(same) >= FRAMES / 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("name", ["h264", "hevc", "open"])
def test_a_broadcast_becomes_a_file(tmp_path, name, suffix):
    """Its packets have start codes, parameter sets among the pictures, and times from anywhere."""
    source = make(tmp_path / f"{name}.ts", SOURCES[f"{name}.mp4"])
    splice(source, tmp_path / f"target{suffix}")
    same = [
        is_same(*pair)
        for pair in zip(samples_of(source), samples_of(tmp_path / f"target{suffix}"), strict=True)
    ]
    assert sum(same) > FRAMES / 2
    assert not same[21]
    first, second = times_of(source, "video")[0], times_of(tmp_path / f"target{suffix}", "video")[0]
    steps = [np.diff([float(time) for time in times]) for times in (first, second)]
    assert np.allclose(*steps, atol=0.0011)


@pytest.mark.parametrize("name", ["h264.mp4", "hevc.mp4"])
def test_what_an_edit_list_hides_stays_hidden(tmp_path, name):
    source = cut(make(tmp_path / name, SOURCES[name]), tmp_path / "cut.mp4", 5, 54)
    target = tmp_path / "target.mp4"
    splice(source, target, {30})
    before, after = samples_of(source), samples_of(target)
    assert len(before) == len(after)
    same = [is_same(*pair) for pair in zip(before, after, strict=True)]
    assert not same[30]
    assert sum(same) >= 20


def test_frames_are_read_again_only_from_where_the_copy_ends(tmp_path):
    source, target = make(tmp_path / "a.mp4", SOURCES["h264.mp4"]), tmp_path / "b.mp4"
    segments = splice(source, target, {20})
    assert [segment.copied for segment in segments] == [True, False, True]
    assert 15 <= segments[0].frames <= 20
    assert segments[2].frames == FRAMES - 24


REFUSED = {
    "interlaced.mp4": (h264({"flags": "+ildct+ilme", "x264-params": "tff=1"}), "interlaced"),
    "old.mkv": (Recipe(codec="mpeg4", pts=PTS, options={"g": "12"}), "only H.264 and HEVC"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_joined_says_why(tmp_path, name):
    recipe, reason = REFUSED[name]
    source = make(tmp_path / name, recipe)
    with pytest.raises(VaderError, match=reason):
        splices_of(source, plan_encoding(tmp_path / "target.mp4", probe(source)))


def test_another_codec_is_not_joined(tmp_path):
    source = make(tmp_path / "a.mp4", SOURCES["h264.mp4"])
    with pytest.raises(VaderError, match="h264 becomes libx265"):
        splices_of(source, plan_encoding(tmp_path / "target.mp4", probe(source), codec="hevc"))


def test_parameter_sets_that_change_on_the_way_are_not_joined(tmp_path):
    """Two recordings of other settings, one behind the other."""
    repeated = {"x264-params": "repeat-headers=1"}
    parts = [make(tmp_path / f"{refs}.mp4", h264({"refs": refs, **repeated})) for refs in ("1", "3")]
    source = tmp_path / "both.mp4"
    with (
        av.open(str(source), "w") as after,
        av.open(str(parts[0])) as first,
        av.open(str(parts[1])) as second,
    ):
        copy = after.add_stream_from_template(first.streams.video[0])
        for number, part in enumerate((first, second)):
            for packet in part.demux(video=0):
                if packet.size:
                    later = round(number * FRAMES * STEP * TICK / packet.time_base)
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = copy
                    after.mux(packet)
    assert probe(source).frames == 2 * FRAMES
    with pytest.raises(VaderError, match="change on the way"):
        splices_of(source, plan_encoding(tmp_path / "target.mp4", probe(source)))


def test_of_open_groups_in_h264_the_beginning_is_copied(tmp_path):
    source = make(tmp_path / "a.mp4", h264({"x264-params": "open-gop=1"}))
    target = tmp_path / "b.mp4"
    segments = splice(source, target, {40})
    assert "one closed group" in splices_of(source, plan_encoding(target, probe(source))).limit
    assert [segment.copied for segment in segments] == [True, False]
    assert 35 <= segments[0].frames <= 40
    assert PTS[1] * TICK == times_of(target, "video")[0][1]


@pytest.mark.parametrize("stop", [1, 47, 58, 59])
def test_a_video_that_ends_before_its_last_packets_loses_no_frame(tmp_path, stop):
    source = make(tmp_path / "a.mp4", h264({"bf": "3"}))
    encoding = plan_encoding(tmp_path / "b.mp4", probe(source))
    splices = splices_of(source, encoding)
    writer = SpliceWriter(tmp_path, splices.matched(encoding), splices)
    with open_video(source, 0, stop) as video:
        for frame in video:
            writer.write(frame, touched=False)
    writer.cut()
    assert sum(segment.frames for segment in finished_segments(tmp_path)) == stop - writer.waiting
    writer.close()
    assert sum(segment.frames for segment in finished_segments(tmp_path)) == stop
    assert writer.waiting == 0
