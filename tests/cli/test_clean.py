"""The command around the library: exit codes, where things are printed, and how an interruption ends."""

import json

import mlx.core as mx
import numpy as np
import pytest
import torch

from mlx_vader import checkpoints, cli
from mlx_vader.jobs import clean as library
from mlx_vader.models.registry import build
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
