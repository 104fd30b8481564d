"""The command around the library: exit codes, where things are printed, and how an interruption ends."""

import json

import mlx.core as mx
import numpy as np
import pytest
import torch

from mlx_vader import checkpoints, cli
from mlx_vader.cli import clean
from mlx_vader.jobs import clean as library
from mlx_vader.jobs.options import FIND
from mlx_vader.models.registry import build
from mlx_vader.process import Finding, FoundMark, RestoredBy
from mlx_vader.shipped import PURPOSES
from mlx_vader.video import probe, read_clip, read_image, write_image, write_video


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path, carphone, monkeypatch):
    """A clip, a still and a checkpoint, in the current folder."""
    mx.random.seed(5)
    checkpoints.save(tmp_path / "net.safetensors", build("nafunet", "tiny"))
    frames = read_clip(carphone, 0, 6)[:, ::4, ::4]
    with write_video(tmp_path / "clip.mp4", frame_rate=25) as out:
        for frame in frames:
            out.write(frame)
    write_image(tmp_path / "still.png", frames[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return cli.run(["clean", "-c", "net.safetensors", *arguments])


def test_a_clip_is_cleaned_beside_itself(folder, capsys):
    assert run("clip.mp4") == 0
    assert probe("clip.clean.mp4").frames == 6
    assert "6 frames" in capsys.readouterr().out


def test_without_options_the_default_network_cleans(folder, capsys):
    assert cli.run(["clean", "still.png", "--find", "network"]) == 0
    assert "1 frame" in capsys.readouterr().out
    assert read_image("still.clean.png").shape == read_image("still.png").shape


def test_all_options_at_once(folder, capsys):
    mask = np.ones((36, 44, 3), np.float32)
    write_image("mask.png", mask)
    options = ["--strategy", "sliding-window", "--clip-length", "4", "--overlap", "1", "--backend", "torch"]
    options += ["--mask", "mask.png", "--preview", "--resume", "--codec", "libx265", "--crf", "20"]
    assert run("clip.mp4", "-o", "out.mkv", *options) == 0
    assert probe("out.mkv").codec == "hevc"
    assert probe("out.preview.mkv").frames == 6
    assert "torch" in capsys.readouterr().out


def test_json_alone_goes_to_stdout(folder, capsys):
    assert run("still.png", "-o", "out.png", "--json", "-") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 1
    assert report["kind"] == "measured"
    assert report["files"][0]["target"] == "out.png"


def test_a_folder_with_a_bad_file_exits_1_and_does_the_rest(folder, capsys):
    (folder / "in").mkdir()
    (folder / "clip.mp4").rename(folder / "in" / "clip.mp4")
    (folder / "in" / "bad.mp4").write_text("no video")
    assert run("in", "-o", "out/") == 1
    assert probe("out/clip.mp4").frames == 6
    printed = capsys.readouterr()
    assert printed.err.count("bad.mp4") == 1
    assert "1 of 2 files cleaned" in printed.out


def test_several_files_go_into_a_folder(folder):
    assert run("clip.mp4", "still.png", "-o", "out") == 0
    assert read_image("out/still.png").shape == (36, 44, 3)
    assert probe("out/clip.mp4").frames == 6


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ({"resume_at": 48}, "with --resume goes on from frame 48"),
        ({"resume_at": 48, "done": 3}, "with --resume keeps the 3 before it and goes on from frame 48"),
        ({"resume_at": None, "done": 3}, "with --resume keeps the 3 before it and begins this one anew"),
        ({"resume_at": None}, "nothing was finished yet: the same command begins anew"),
    ],
)
def test_ctrl_c_exits_130_and_says_how_to_go_on(folder, capsys, monkeypatch, kept, said):
    def interrupted(*arguments, **options):
        raise library.Interrupted(library.Task(folder / "clip.mp4", folder / "out.mp4"), 64, **kept)

    monkeypatch.setattr(library, "clean", interrupted)
    assert run("clip.mp4", "-o", "out.mp4") == 130
    printed = capsys.readouterr()
    assert "frame 64" in printed.err
    assert said in printed.err
    assert not printed.out


def test_help_has_examples(capsys):
    assert cli.run(["clean", "--help"]) == 0
    assert "--resume" in capsys.readouterr().out


def test_what_will_be_done_is_said_before_and_what_was_done_after(folder, capsys):
    assert run("clip.mp4", "-o", "out.mp4", "--find", "network", "--preview") == 0
    printed = capsys.readouterr()
    said = " ".join(printed.err.split())
    for fact in (
        "cleaning clip.mp4",
        "out.mp4",
        "out.preview.mp4",
        "net.safetensors",
        "all that the network takes",
    ):
        assert fact in said
    assert "what is no mark may be gone too" in said
    assert "out.mp4 and out.preview.mp4: 6 frames" in printed.out


@pytest.mark.parametrize("find", FIND)
def test_each_way_to_find_marks_says_what_will_be_touched(folder, capsys, find):
    assert run("clip.mp4", "-o", "out.mp4", "--find", find) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert ("no marks are looked for" in said) == (find == "none")


def test_weights_without_overlays_leave_the_finder_of_marks_at_work(folder, capsys):
    options = ["-c", "degradations", "--find", "static", "--fill", "membrane"]
    assert cli.run(["clean", "clip.mp4", "-o", "out.mp4", *options]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "marks that stand still while the scene moves" in said
    assert "no marks are looked for" not in said


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (
            Finding("found", (FoundMark((3, 4, 20, 10), 0.95, "network"),)),
            ["mark 1 painted over by the network, 20x10 at 3,4", "stay?"],
        ),
        (Finding("found", (FoundMark((3, 4, 20, 10), 0.6, "network"),)), ["60% sure, doubtful"]),
        (
            Finding(
                "found", (FoundMark((3, 4, 20, 10), 0.95, "network"), FoundMark((0, 0, 9, 9), 0.9, "left"))
            ),
            ["mark 2 left, 9x9 at 0,0"],
        ),
        (Finding("nothing"), ["no mark was found", "show where the mark is with --mask"]),
        (Finding("undecidable", reason="too short"), ["too short", "painted white on the mark"]),
    ],
)
def test_the_end_says_what_was_found_and_how_to_go_on(folder, capsys, monkeypatch, finding, said):
    file = library.FileReport(folder / "clip.mp4", folder / "out.mp4", "cleaned", frames=6, finding=finding)
    monkeypatch.setattr(
        library, "clean", lambda *arguments, **options: library.CleanReport("mlx", "CPU", (file,))
    )
    assert run("clip.mp4") == 0
    printed = capsys.readouterr().err
    assert all(part in printed for part in said)
    assert printed.count("a mask is") == 1


@pytest.mark.parametrize(
    ("restored", "said", "kept"),
    [
        (
            RestoredBy("net", 0.7, 9.04, 0.31),
            "noise of 9.0 levels, blocks of coding that stand out by 31%",
            False,
        ),
        (RestoredBy("net", 0.7, 9.04, 0.31), "restored by net, at 70%", False),
        (RestoredBy("net", 0.0, 0.2, 0.0), "the picture is not restored", True),
        (RestoredBy("net", 1.0), "restored by net\n", False),
    ],
)
def test_the_end_says_what_was_done_to_the_picture(folder, capsys, monkeypatch, restored, said, kept):
    finding = Finding("nothing", restored=restored)
    file = library.FileReport(folder / "clip.mp4", folder / "out.mp4", "cleaned", frames=6, finding=finding)
    monkeypatch.setattr(
        library, "clean", lambda *arguments, **options: library.CleanReport("mlx", "CPU", (file,))
    )
    assert run("clip.mp4") == 0
    printed = capsys.readouterr().err
    assert said in printed
    assert ("no frame was changed" in printed) == kept


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--restore", "auto"], "as far as noise and coding call for it"),
        (["--restore", "net.safetensors"], "the whole picture, by net.safetensors"),
        (["--find", "none", "--restore", "net.safetensors"], "network net.safetensors, "),
    ],
)
def test_what_restores_the_picture_is_said_before(folder, capsys, options, said):
    assert run("clip.mp4", "-o", "out.mp4", *options) == 0
    assert said in " ".join(capsys.readouterr().err.split())


def test_weights_without_overlays_get_no_advice_on_marks(folder, capsys):
    assert cli.run(["clean", "-c", "degradations", "clip.mp4", "-o", "out.mp4"]) == 0
    said = capsys.readouterr().err
    assert "no marks are looked for" in " ".join(said.split())
    assert "--mask" not in said


def test_the_rest_of_a_long_file_is_estimated_from_its_speed():
    assert clean._estimate(100, 1900, 10.0) == "1900 frames at 10.0 fps: about 0:03:00 to go"


@pytest.mark.parametrize("command", ["train", "convert", "verify", "evaluate", "bench", "demo"])
def test_help_names_the_shipped_weights_wherever_they_are_taken(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run([command, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert ", ".join(PURPOSES) in shown


def test_help_names_the_shipped_weights_and_what_they_are_for(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run(["clean", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(f"{name} ({purpose})" in shown for name, purpose in PURPOSES.items())
