"""Interlaced video: fields are pictures of their own, and stay what they were in stream and container."""

from fractions import Fraction

import av
import numpy as np
import pytest
from video_files import Recipe, make, picture

from mlx_vader.video import Box, Patch, VideoFrame, open_video, plan_encoding, probe, write_video

SIZE = (96, 64)
TICK = Fraction(1, 25)
ORDERS = ["tff", "bff"]
#: AVFieldOrder of libavcodec/defs.h: displayed first and stored first.
NUMBERS = {"tff": 2, "bff": 3}


def labeller(order, pix_fmt="yuv420p"):
    """FFmpeg's filter that marks frames as interlaced."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=SIZE[0], height=SIZE[1], format=av.VideoFormat(pix_fmt, *SIZE), time_base=TICK
    )
    label, sink = graph.add("setfield", f"mode={order}"), graph.add("buffersink")
    source.link_to(label)
    label.link_to(sink)
    graph.configure()

    def labelled(frame, graph=graph):  # the filters die with their graph
        source.push(frame)
        return sink.pull()

    return labelled


def interlaced(path, order, codec="libx264", options=None, pix_fmt="yuv420p"):
    """Twelve frames whose fields are pictures of a thing that moves between them."""
    options = options or {"crf": "4", "flags": "+ildct+ilme", "bf": "2"}
    label = labeller(order, pix_fmt)
    with av.open(str(path), "w") as output:
        stream = output.add_stream(
            codec, rate=25, options=options, width=SIZE[0], height=SIZE[1], time_base=TICK
        )
        stream.codec_context.pix_fmt = pix_fmt
        stream.codec_context.field_order = NUMBERS[order]
        for number in range(12):
            rgb = picture(8 * number, SIZE)
            later = picture(8 * number + 4, SIZE)
            start = 1 if order == "tff" else 0
            rgb[start::2] = later[start::2]
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = number, TICK
            frame = label(frame)
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def what_is_told(path):
    """The stream's order, and whether its frames say that they are interlaced."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.codec_context.field_order, {
            frame.interlaced_frame for frame in container.decode(stream)
        }


def copied(source, target, edit=lambda frame: frame, **options):
    with open_video(source) as video, write_video(target, video.info, **options) as writer:
        for frame in video:
            writer.write(edit(frame), frame.pts, frame.time_base)
    return target


def frames_of(path):
    with open_video(path) as video:
        return list(video)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts"])
def test_the_order_is_read(order, suffix, tmp_path):
    assert probe(interlaced(tmp_path / f"source{suffix}", order)).field_order == order


def test_progressive_video_has_no_fields(tmp_path):
    source = make(tmp_path / "source.mp4", Recipe())
    assert probe(source).field_order == "progressive"
    assert not any(frame.interlaced for frame in frames_of(source))


@pytest.mark.parametrize("order", ORDERS)
def test_fields_come_in_the_order_of_time_and_are_woven_back(order, tmp_path):
    for frame in frames_of(interlaced(tmp_path / "source.mp4", order)):
        assert frame.interlaced
        first, second = frame.fields()
        start = 0 if order == "tff" else 1
        for plane, early, late in zip(frame.samples, first.samples, second.samples, strict=True):
            np.testing.assert_array_equal(plane[start::2], early)
            np.testing.assert_array_equal(plane[1 - start :: 2], late)
        assert (first.height, first.width) == (32, 96)
        assert not first.interlaced
        expected = picture(8 * frame.index, SIZE)[start::2].mean(-1) / 255
        assert np.abs(first.rgb.mean(-1) - expected).mean() < 0.015
        for pair in ((first, second), (second, first)):
            woven = VideoFrame.woven(*pair)
            assert woven.interlaced
            for plane, other in zip(frame.samples, woven.samples, strict=True):
                np.testing.assert_array_equal(plane, other)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("libx264", "target.mp4"),
        ("libx264", "target.mov"),
        ("libx264", "target.mkv"),
        ("prores_ks", "target.mov"),
        ("ffv1", "target.mkv"),
        ("ffv1", "target.mp4"),
    ],
)
@pytest.mark.parametrize("as_arrays", [False, True])
def test_fields_stay_fields(order, codec, name, as_arrays, tmp_path):
    source = interlaced(tmp_path / "source.mp4", order)
    edit = (lambda frame: frame.rgb) if as_arrays else (lambda frame: VideoFrame.woven(*frame.fields()))
    target = copied(source, tmp_path / name, edit, codec=codec, crf=4)
    assert plan_encoding(target, probe(source), codec=codec).losses == ()
    assert what_is_told(target) == (NUMBERS[order], {True})
    assert probe(target).field_order == order
    for before, after in zip(frames_of(source), frames_of(target), strict=True):
        for field, other in zip(before.fields(), after.fields(), strict=True):
            assert np.mean((field.rgb - other.rgb) ** 2) < 1e-4
        if codec == "ffv1" and not as_arrays:
            for plane, other in zip(before.samples, after.samples, strict=True):
                np.testing.assert_array_equal(plane, other)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx265", ".mp4"), ("libvpx-vp9", ".webm"), ("libsvtav1", ".mp4")]
)
def test_encoders_without_fields_say_so(codec, suffix, tmp_path):
    source = interlaced(tmp_path / "source.mp4", "tff")
    encoding = plan_encoding(tmp_path / f"target{suffix}", probe(source), codec=codec)
    assert encoding.losses == ("fields",)
    assert encoding.field_order == "progressive"
    target = copied(source, tmp_path / f"target{suffix}", codec=codec)
    assert what_is_told(target)[1] == {False}


def test_a_patch_in_one_field_leaves_the_other_alone(tmp_path):
    frame = frames_of(interlaced(tmp_path / "source.mp4", "tff"))[3]
    first, second = frame.fields()
    woven = VideoFrame.woven(first.edited([Patch(3, 10, np.ones((9, 21, 3), np.float32))]), second)
    for plane, other in zip(frame.samples, woven.samples, strict=True):
        assert (plane[0::2] != other[0::2]).any()
        np.testing.assert_array_equal(plane[1::2], other[1::2])


def test_a_patch_in_the_whole_frame_goes_field_by_field(tmp_path):
    frame = frames_of(interlaced(tmp_path / "source.mp4", "bff"))[3]
    rng = np.random.default_rng(0)
    rgb, touched = rng.random((23, 31, 3), np.float32), rng.random((23, 31)) < 0.3
    touched[1::2] = False  # from row 11 on: odd rows alone
    edited = frame.edited([Patch(11, 20, rgb, touched)])
    assert edited.interlaced
    for number, (plane, other) in enumerate(zip(frame.samples, edited.samples, strict=True)):
        np.testing.assert_array_equal(plane[0::2], other[0::2])
        changed = np.argwhere(plane != other)
        columns, _ = frame.layout.halvings_of(number)
        assert changed.size
        assert changed[:, 1].min() >= 20 >> columns
        assert changed[:, 1].max() <= 50 >> columns
    parts = frame.edited([Patch(0, 0, frame.rgb)])
    assert np.mean(np.abs(parts.rgb - frame.rgb)) < 0.004
    box = Box(9, 13, 17, 40)
    frame.forget()
    part = frame.region(box)
    np.testing.assert_allclose(part, frame.rgb[box.rows, box.columns], atol=2e-4)


def test_frames_that_are_no_fields_of_one_frame_are_not_woven(tmp_path):
    one, other = frames_of(interlaced(tmp_path / "source.mp4", "tff"))[:2]
    for pair in ((one, other), (one.fields()[0], other.fields()[1]), (one.fields()[0], one.fields()[0])):
        with pytest.raises(ValueError, match="not the two fields of one frame"):
            VideoFrame.woven(*pair)
