"""From a video to its masks and on to `clean`: the same frames at the same times, found or told."""

import json
import os
import signal
import subprocess
import sys
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

import mlx_vader as vader
from mlx_vader.backends.base import Outputs
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.jobs import composition, marking
from mlx_vader.jobs.clean import clean
from mlx_vader.jobs.frame_grid import write_frame
from mlx_vader.jobs.mask import save_mark
from mlx_vader.levels import to_unit
from mlx_vader.masks.static.statistics import NAMES
from mlx_vader.video import open_video, probe, read_image, write_image, write_video
from tests.inpainting.test_unblend import WORD, marked, scene, strokes
from tests.jobs.conftest import frames_of, times_of
from tests.jobs.test_finding import LOGO, SIZE, Painter, video

#: Clockwise by a quarter, as in FFmpeg's display matrix.
QUARTER = (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
NUMBERS = {"progressive": 1, "tff": 2, "bff": 3}


def told(path):
    """The masks of a file, 0 to 255, one for each frame."""
    with open_video(path) as opened:
        return np.stack([frame.levels[..., 0] for frame in opened])


@pytest.fixture
def finder(monkeypatch):
    """A finder that marks what is bright in all frames."""

    def run(inputs):
        darkest, brightest, red = (
            inputs["statistics"][..., NAMES.index(name)] for name in ("darkest", "brightest", "red")
        )
        # The scene is dark, so that its negative is not.
        bright = darkest > 0.8 if red.mean() < 0 else brightest < -0.8
        return Outputs(
            {"mask": bright[..., None].astype(np.float32), "undecidable": np.zeros((1, 1), np.float32)}, None
        )

    monkeypatch.setattr(marking, "load_backend", lambda *_: SimpleNamespace(run=run))


@pytest.fixture
def clip(tmp_path):
    """A logo over a scene that moves."""
    return video(tmp_path / "in.mp4", moving=True)


def labelled(frame, order):
    """A frame that says which of its fields is shown first."""
    graph = av.filter.Graph()
    frame.pts, frame.time_base = 0, Fraction(1, 1000)
    source = graph.add_buffer(
        template=None, width=96, height=64, format=frame.format, time_base=frame.time_base
    )
    label, sink = graph.add("setfield", {"progressive": "prog"}.get(order, order)), graph.add("buffersink")
    source.link_to(label)
    label.link_to(sink)
    graph.configure()
    source.push(frame)
    return sink.pull()


def turned(path, order="progressive", matrix=QUARTER):
    """96x64 shown as 64x96, at uneven times from 0.4 s on."""
    with av.open(str(path), "w") as output:
        options = {"crf": "4"} | ({} if order == "progressive" else {"flags": "+ildct+ilme"})
        stream = output.add_stream("libx264", rate=25, width=96, height=64, options=options)
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.field_order = NUMBERS[order]
        if matrix:
            stream.set_display_matrix(matrix)
        for number in range(12):
            levels = np.random.default_rng(number).integers(0, 150, (8, 12, 3)).astype(np.uint8)
            rgb = levels.repeat(8, axis=0).repeat(8, axis=1)
            frame = av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="yuv420p")
            frame = labelled(frame, order)
            frame.pts, frame.time_base = 400 + 40 * number + 7 * (number % 3), Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def test_found_marks_become_a_video_that_clean_takes_for_the_same(tmp_path, clip, finder):
    report = vader.mask(clip, tmp_path / "mask.mkv")
    (file,) = report.as_dict()["files"]
    assert file["found"] == "found"
    assert file["status"] == "masked"
    assert file["masked_frames"] == file["frames"] == 40
    assert file["still"]
    assert [mark["treated"] for mark in file["marks"]] == ["fill"]
    assert not file["undecidable"]
    json.dumps(file)
    mask = told(tmp_path / "mask.mkv")
    assert set(np.unique(mask)) == {0, 255}
    assert mask[:, 26, 156].min() == 255
    options = {"codec": "ffv1", "fill": "membrane"}
    clean(clip, tmp_path / "found.mkv", find="static", **options)
    clean(clip, tmp_path / "told.mkv", mask=tmp_path / "mask.mkv", **options)
    assert np.array_equal(frames_of(tmp_path / "found.mkv"), frames_of(tmp_path / "told.mkv"))


def test_boxes_in_clean_are_the_boxes_of_mask(tmp_path, clip):
    boxes = ["60,5,20,20@0", "70,5,20,20@39", "0%,80%,10%,20%"]
    vader.mask(clip, tmp_path / "mask.mkv", box=boxes)
    options = {"codec": "ffv1", "fill": "membrane"}
    clean(clip, tmp_path / "drawn.mkv", box=boxes, **options)
    clean(clip, tmp_path / "told.mkv", mask=tmp_path / "mask.mkv", **options)
    drawn = frames_of(tmp_path / "drawn.mkv")
    assert np.array_equal(drawn, frames_of(tmp_path / "told.mkv"))
    assert not np.array_equal(drawn, frames_of(clip))


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_interlaced_video_has_masks_of_whole_frames(tmp_path, order):
    source = turned(tmp_path / "in.mp4", order, matrix=None)
    assert probe(source).field_order == order
    box = ["10,20,30,21@0", "20,20,30,21@11"]
    vader.mask(source, tmp_path / "mask.mkv", box=box)
    assert probe(tmp_path / "mask.mkv").field_order == "progressive"
    assert told(tmp_path / "mask.mkv")[0, 20:41, 10:40].min() == 255
    options = {"codec": "ffv1", "fill": "membrane"}
    clean(source, tmp_path / "a.mkv", mask=tmp_path / "mask.mkv", **options)
    clean(source, tmp_path / "b.mkv", box=box, **options)
    assert np.array_equal(frames_of(tmp_path / "a.mkv"), frames_of(tmp_path / "b.mkv"))


@pytest.mark.parametrize("order", NUMBERS)
@pytest.mark.parametrize("name", ["mask.mkv", "mask.mp4"])
def test_frames_times_and_rotation_are_the_source_s(tmp_path, order, name):
    source = turned(tmp_path / "in.mp4", order)
    vader.mask(source, tmp_path / name, box="10,20,30,41@0s-0.3s")
    before, after = probe(source), probe(tmp_path / name)
    assert (after.width, after.height) == (before.width, before.height) == (64, 96)
    assert after.rotation == before.rotation == 90
    assert after.frames == before.frames
    assert (after.codec, after.pix_fmt) == ("ffv1", "gray")
    tick = Fraction(1, 1000)
    assert all(abs(a - b) <= tick for a, b in zip(times_of(source), times_of(tmp_path / name), strict=True))
    mask = told(tmp_path / name)
    expected = np.zeros((96, 64), np.uint8)
    expected[20:61, 10:40] = 255
    assert np.array_equal(mask[0], expected)
    assert not mask[-1].any()
    options = {"codec": "ffv1", "fill": "membrane"}
    clean(source, tmp_path / "a.mkv", mask=tmp_path / name, **options)
    clean(source, tmp_path / "b.mkv", box="10,20,30,41@0s-0.3s", **options)
    assert np.array_equal(frames_of(tmp_path / "a.mkv"), frames_of(tmp_path / "b.mkv"))


def test_a_mask_that_never_changes_is_one_picture(tmp_path, clip):
    report = vader.mask(clip, tmp_path / "masks", box="10,10,20,20", preview=True)
    assert report.files[0].target == tmp_path / "masks" / "in.png"
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["in.png", "in.preview.png"]
    assert Image.open(tmp_path / "masks" / "in.png").mode == "L"
    assert read_image(tmp_path / "masks" / "in.png").sum() == 3 * 400


def test_a_mask_that_changes_is_a_folder_of_pictures_which_clean_finds_by_name(tmp_path, clip):
    box = ["10,10,20,20@0", "40,10,20,20@30"]
    options = {"codec": "ffv1", "fill": "membrane"}
    vader.mask(clip, tmp_path / "masks", box="0,0,9,9")
    report = vader.mask(clip, tmp_path / "masks", box=box)
    assert report.files[0].target == tmp_path / "masks" / "in"
    assert len(list((tmp_path / "masks" / "in").iterdir())) == 40
    assert not (tmp_path / "masks" / "in.png").exists()
    clean(clip, tmp_path / "told.mkv", mask=tmp_path / "masks", **options)
    clean(clip, tmp_path / "drawn.mkv", box=box, **options)
    assert np.array_equal(frames_of(tmp_path / "told.mkv"), frames_of(tmp_path / "drawn.mkv"))
    vader.mask(clip, tmp_path / "masks", box="0,0,9,9")
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["in.png"]


def test_one_picture_cannot_hold_a_mask_that_changes(tmp_path, clip):
    with pytest.raises(VaderError, match="changes over time") as error:
        vader.mask(clip, tmp_path / "mask.png", box=["10,10,20,20@0", "40,10,20,20@30"])
    assert "folder" in error.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_several_clips_and_folders_go_into_a_folder(tmp_path, clip):
    (tmp_path / "clips" / "day").mkdir(parents=True)
    os.link(clip, tmp_path / "clips" / "day" / "a.mp4")
    (tmp_path / "clips" / "b.mp4").write_text("no video")
    write_image(tmp_path / "clips" / "c.jpg", np.zeros((48, 64, 3), np.float32))
    report = vader.mask(tmp_path / "clips", tmp_path / "masks", box="10,10,20,20")
    assert [file.status for file in report.files] == ["failed", "masked", "masked"]
    assert sorted(str(p.relative_to(tmp_path / "masks")) for p in (tmp_path / "masks").rglob("*.png")) == [
        "c.png",
        "day/a.png",
    ]
    clean(tmp_path / "clips" / "day", tmp_path / "out", mask=tmp_path / "masks" / "day", fill="membrane")


def test_without_a_target_masks_lie_beside_their_sources(tmp_path, clip):
    write_image(tmp_path / "still.jpg", np.zeros((48, 64, 3), np.float32))
    report = vader.mask([clip, tmp_path / "still.jpg"], box="10,10,20,20")
    assert [file.target.name for file in report.files] == ["in.mask.mkv", "still.mask.png"]
    assert probe(tmp_path / "in.mask.mkv").frames == 40


def test_an_animation_gets_an_animation(tmp_path):
    frames = [Image.new("RGB", (40, 30), (index * 20, 0, 0)) for index in range(6)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True)
    vader.mask(tmp_path / "a.webp", tmp_path / "a.png", box=["0,0,5,5@0", "20,0,5,5@5"])
    assert Image.open(tmp_path / "a.png").n_frames == 6
    clean(tmp_path / "a.webp", tmp_path / "b.webp", mask=tmp_path / "a.png", fill="membrane")


def test_where_nothing_is_proven_the_mask_is_black_and_says_why(tmp_path, finder):
    source = video(tmp_path / "in.mp4", moving=False)
    (file,) = vader.mask(source, tmp_path / "mask.png", preview=True).as_dict()["files"]
    assert file["undecidable"]
    assert file["reason"]
    assert file["share"] == 0
    assert not read_image(tmp_path / "mask.png").any()
    assert [mark["treated"] for mark in file["marks"]] == ["left"]


def test_the_network_s_own_masks_are_written_too(tmp_path, clip, monkeypatch):
    monkeypatch.setattr(composition, "load_backend", lambda *_: Painter(masks=True))
    vader.mask(clip, tmp_path / "mask.mkv", find="network")
    mask = told(tmp_path / "mask.mkv")
    assert mask[:, LOGO[0], LOGO[1]].mean() > 250
    assert mask.mean() < 20


def test_growth_holes_and_soft_edges(tmp_path, clip):
    drawn = np.zeros((*SIZE, 3), np.float32)
    drawn[20:40, 20:40] = 1
    drawn[28:31, 28:31] = 0
    write_image(tmp_path / "drawn.png", drawn)
    vader.mask(clip, tmp_path / "grown.png", mask=tmp_path / "drawn.png", grow=3, holes=9)
    grown = read_image(tmp_path / "grown.png")[..., 0]
    assert grown[17:43, 20:40].all()
    assert not grown[17, 17]
    vader.mask(clip, tmp_path / "soft.png", mask=tmp_path / "drawn.png", holes=9, feather=4)
    soft = read_image(tmp_path / "soft.png")[..., 0]
    assert 0.05 < soft[18, 30] < 0.5
    clean(clip, tmp_path / "a.mkv", mask=tmp_path / "drawn.png", grow=3, fill="membrane", codec="ffv1")
    assert not np.array_equal(frames_of(tmp_path / "a.mkv")[:, 14:17], frames_of(clip)[:, 14:17])


def test_smoothing_drops_what_flashes(tmp_path, clip):
    vader.mask(clip, tmp_path / "mask.mkv", box=["10,10,20,20@5-5", "50,10,20,20@10-30"], smooth=3)
    mask = told(tmp_path / "mask.mkv") > 127
    assert not mask[:, 15, 15].any()
    assert mask[11:30, 15, 55].all()


def test_previews_show_the_mask_over_the_picture(tmp_path, clip):
    vader.mask(clip, tmp_path / "mask.mkv", box="10,30,20,20", preview=True)
    info = probe(tmp_path / "mask.preview.mp4")
    assert (info.frames, info.width, info.height) == (40, *SIZE[::-1])
    shown = frames_of(tmp_path / "mask.preview.mp4")[20]
    assert (shown[35:45, 15:25, 0] - shown[35:45, 15:25, 1]).mean() > 0.2  # magenta
    assert np.abs(shown[50:, 50:] - frames_of(clip)[20][50:, 50:]).mean() < 0.03


@pytest.mark.parametrize("name", ["mask.mkv", "mask.png", "masks"])
def test_a_target_appears_when_it_is_complete_and_an_older_one_stays(tmp_path, clip, monkeypatch, name):
    box = ["10,10,20,20@0", "40,10,20,20@30"] if name == "masks" else "10,10,20,20"
    vader.mask(clip, tmp_path / name, box=box)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def failing(masks, frames):
        for number, mask in enumerate(masks):
            if number == 20:
                raise KeyboardInterrupt
            yield mask

    monkeypatch.setattr("mlx_vader.jobs.mask_sources.smoothed", failing)
    with pytest.raises(KeyboardInterrupt):
        vader.mask(clip, tmp_path / name, box=box, grow=2, smooth=1)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


#: `mask` that is killed after twenty masks.
KILLED = """
import os, signal, sys
from mlx_vader import cli
from mlx_vader.jobs import mask_sources
def killed(masks, frames):
    for number, mask in enumerate(masks):
        if number == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        yield mask
mask_sources.smoothed = killed
cli.main()
"""


@pytest.mark.parametrize("name", ["mask.mkv", "masks"])
def test_what_a_killed_run_left_is_gone_after_the_next(tmp_path, clip, name):
    box = ["10,10,20,20@0", "40,10,20,20@30"]
    boxes = [part for text in box for part in ("--box", text)]
    command = [sys.executable, "-c", KILLED, "mask", clip, "-o", tmp_path / name, "--smooth", "1", *boxes]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    assert subprocess.run(command, env=environment, capture_output=True).returncode == -signal.SIGKILL
    assert not [path for path in tmp_path.iterdir() if path.is_file() and path != clip]
    assert list(tmp_path.rglob(".*"))
    vader.mask(clip, tmp_path / name, box=box)
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("target", ["in.mp4", "drawn.png", "link.mkv"])
def test_nothing_that_is_read_is_overwritten(tmp_path, clip, target):
    write_image(tmp_path / "drawn.png", np.zeros((*SIZE, 3), np.float32))
    (tmp_path / "link.mkv").symlink_to("in.mp4")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="overwritten"):
        vader.mask(clip, tmp_path / target, mask=tmp_path / "drawn.png")
    with pytest.raises(UsageError, match="both"):
        vader.mask(clip, tmp_path / "a.mkv", box="1,1,2,2", also_written=[tmp_path / "a.mkv"])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_of_other_files_is_not_replaced(tmp_path, clip):
    (tmp_path / "masks" / "in").mkdir(parents=True)
    (tmp_path / "masks" / "in" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes.txt"):
        vader.mask(clip, tmp_path / "masks", box=["10,10,20,20@0", "40,10,20,20@30"])
    assert (tmp_path / "masks" / "in" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "target", "said"),
    [
        ({"box": "200,10,20,20"}, "mask.mkv", "192x144"),
        ({"box": "1,2,3"}, "mask.mkv", "x,y,width,height"),
        ({"box": "1,2,3,4"}, "mask.mov", ".mkv"),
        ({"box": "1,2,3,4", "find": "static"}, "mask.mkv", "--find"),
        ({"find": "none"}, "mask.mkv", "--box"),
        ({"find": "statc"}, "mask.mkv", "static"),
        ({"boxes": "1,2,3,4"}, "mask.mkv", "box"),
        ({"prompt": " "}, "mask.mkv", "the logo"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, clip, options, target, said):
    with pytest.raises(UsageError) as error:
        vader.mask(clip, tmp_path / target, **options)
    assert "\n" not in error.value.message
    assert said in error.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_a_mark_is_learned_and_saved(tmp_path):
    opacity = 0.5 * strokes()
    with write_video(tmp_path / "in.mkv", frame_rate=25, codec="ffv1") as writer:
        for frame in to_unit(marked(scene(), opacity, WORD)):
            writer.write(frame)
    drawn = np.repeat((opacity > 0.02)[..., None], 3, axis=-1).astype(np.float32)
    write_image(tmp_path / "drawn.png", drawn)
    before = sorted(tmp_path.iterdir())
    report = save_mark(tmp_path / "in.mkv", tmp_path / "logo.png", mask=tmp_path / "drawn.png")
    assert abs(report.alpha - 0.5) < 0.06
    assert report.learned_from == (tmp_path / "in.mkv",)
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "logo.png"])
    with pytest.raises(UsageError, match="overwritten"):
        save_mark(tmp_path / "in.mkv", tmp_path / "drawn.png", mask=tmp_path / "drawn.png")
    with pytest.raises(UsageError, match="image"):
        save_mark(tmp_path / "drawn.png", tmp_path / "new.png", box="1,1,9,9")


def test_a_frame_under_a_grid(tmp_path, clip):
    path = write_frame(clip, None, "1s", box=["10,10,20,20"])
    assert path == tmp_path / "in.frame25.png"
    assert read_image(path).shape[1] > 960
    write_frame(clip, tmp_path / "grid.png", "25")
    assert not np.array_equal(read_image(path), read_image(tmp_path / "grid.png"))


@pytest.mark.parametrize("frame", ["40", "2s", "-1", "x"])
def test_a_frame_that_there_is_not(tmp_path, clip, frame):
    with pytest.raises(UsageError) as error:
        write_frame(clip, None, frame)
    assert error.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
