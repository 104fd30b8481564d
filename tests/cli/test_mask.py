"""The command around `mask`: what is said before and after, where it is printed, exit codes."""

import json

import numpy as np
import pytest

from mlx_vader import cli
from mlx_vader.cli import mask as command
from mlx_vader.jobs import mask as library
from mlx_vader.jobs.learning import MarkReport
from mlx_vader.jobs.mask import MaskFileReport, MaskReport
from mlx_vader.jobs.mask_job import Masked
from mlx_vader.process import Finding, FoundMark
from mlx_vader.video import probe, read_image, write_image, write_video

MARKS = (
    FoundMark((1080, 40, 160, 60), 0.93, "unblend", alpha=0.6, colour=(255, 250, 10)),
    FoundMark((10, 600, 1200, 80), 0.5, "left", "text", first=1250, last=13700),
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A clip and a still, in the current folder."""
    with write_video(tmp_path / "clip.mp4", frame_rate=25) as out:
        for number in range(12):
            out.write(np.random.default_rng(number).random((48, 64, 3), dtype=np.float32))
    write_image(tmp_path / "still.png", np.zeros((48, 64, 3), np.float32))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return cli.run(["mask", *arguments])


def test_a_box_becomes_a_video_beside_the_clip_and_the_next_command_is_told(folder, capsys):
    assert run("clip.mp4", "--box", "10,10,20,20") == 0
    assert probe("clip.mask.mkv").frames == 12
    printed = capsys.readouterr()
    assert "the box 10,10,20,20" in printed.err
    assert "vader-mlx clean clip.mp4 --mask clip.mask.mkv" in printed.err
    assert "clip.mask.mkv: 12 frames, 13% of the picture" in printed.out
    assert "10,10,20,20" in printed.out


def test_a_box_may_begin_outside_and_have_keyframes(folder):
    assert run("clip.mp4", "--box", "-5,0,20,20@0", "--box", "30,0,20,20@0.3s", "-o", "a.mkv") == 0
    assert probe("a.mkv").frames == 12


def test_json_alone_goes_to_stdout(folder, capsys):
    assert run("still.png", "--polygon", "0,0,20,0,0,20", "--json", "-") == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["target"] == "still.mask.png"
    assert file["found"] == "told"
    assert file["marks"][0]["kind"] == "polygon"
    assert not file["undecidable"]


def test_a_still_clip_is_undecidable_and_the_grid_is_named(folder, capsys):
    assert run("still.png", "-o", "mask.png") == 0
    said = capsys.readouterr().err
    assert "note: still.png: " in said
    assert "--frame 0" in said
    assert not read_image("mask.png").any()


def test_a_frame_with_a_grid_is_all_that_is_written(folder, capsys):
    assert run("clip.mp4", "--frame", "3") == 0
    assert capsys.readouterr().out == "clip.frame3.png\n"
    assert sorted(path.name for path in folder.iterdir()) == ["clip.frame3.png", "clip.mp4", "still.png"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["clip.mp4", "--box", "100,0,9,9"],
        ["clip.mp4", "--box", "1,2,3"],
        ["clip.mp4", "--frame", "99"],
        ["clip.mp4", "still.png", "--frame", "0"],
        ["clip.mp4", "-o", "mask.avi"],
        ["clip.mp4", "-o", "mask.mkv", "--save-mark", "logo.png"],
        ["clip.mp4", "--save-mark", "logo.txt", "--box", "1,1,9,9"],
        ["still.png", "--save-mark", "logo.png", "--box", "1,1,9,9"],
        ["clip.mp4", "--marks", "1", "--box", "1,1,9,9"],
        ["clip.mp4", "still.png", "-o", "mask.mkv"],
        ["clip.mp4", "-o", "clip.mp4", "--box", "1,1,2,2"],
        ["clip.mp4", "-o", "a.mkv", "--box", "1,1,2,2", "--json", "a.mkv"],
        ["clip.mp4", "--find", "static", "--box", "1,1,2,2"],
    ],
)
def test_wrong_usage_exits_2_and_writes_nothing(folder, monkeypatch, capsys, arguments):
    monkeypatch.setattr("sys.argv", ["vader-mlx", "mask", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith(("error:", "hint:"))]
    assert [line.split(":")[0] for line in said] == ["error", "hint"]
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "still.png"]


def test_one_of_several_that_fails_exits_1_and_the_rest_is_done(folder, capsys):
    (folder / "bad.mp4").write_text("no video")
    assert run("bad.mp4", "clip.mp4", "--box", "1,1,9,9", "-o", "masks") == 1
    assert read_image("masks/clip.png").any()
    assert "error: bad.mp4" in capsys.readouterr().err


def test_the_table_tells_all_of_a_mark_in_80_columns(monkeypatch, capsys, folder):
    monkeypatch.setenv("COLUMNS", "80")
    made = Masked(folder / "mask.mkv", 14000, 14000, 0.02, True, Finding("found", MARKS))
    report = MaskReport((MaskFileReport(folder / "clip.mp4", made.target, "masked", 1.0, made),))
    monkeypatch.setattr(library, "mask", lambda *arguments, **options: report)
    assert run("clip.mp4") == 0
    printed = capsys.readouterr().out
    lines = [line.split() for line in printed.splitlines()]
    assert max(map(len, printed.splitlines()[:3])) <= 80
    assert ["1", "1080,40,160,60", "all", "static", "0.60", "#fffa0a", "93%", "subtracts", "it"] in lines
    assert ["2", "10,600,1200,80", "1250-13700", "text", "50%", "leaves", "it"] in lines


def test_a_mark_is_saved_and_the_next_command_is_told(folder, monkeypatch, capsys):
    report = MarkReport(folder / "logo.png", (1280, 720), (1080, 40, 160, 60), 0.6, (255, 250, 10), (), ())
    asked = []
    monkeypatch.setattr(library, "save_mark", lambda *given, **options: asked.append(options) or report)
    assert run("clip.mp4", "--save-mark", "logo.png", "--box", "1,1,9,9") == 0
    assert asked[0]["box"] == ["1,1,9,9"]
    printed = capsys.readouterr()
    assert "160x60 at 1080,40 in frames of 1280x720, opacity 0.60, colour #fffa0a" in printed.out
    assert "--mark" in printed.err
    assert run("clip.mp4", "--save-mark", "logo.png", "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["alpha"] == 0.6


def test_each_way_of_treating_a_mark_has_words():
    assert set(command.TREATED) == {"unblend", "fill", "left"}
