"""`clean` never writes over what it reads: the conflict is found before any work, and every file is as it was."""

import numpy as np
import pytest

from mlx_vader import checkpoints, cli
from mlx_vader.errors import UsageError
from mlx_vader.video import write_image


@pytest.fixture
def folder(tmp_path, small_clip, network, monkeypatch):
    """A clip under several names, pictures, masks and a checkpoint, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("s.mkv", "x.preview.mkv", "m.mkv"):
        (tmp_path / name).write_bytes(small_clip.read_bytes())
    for name in ("a.png", "a.preview.png", "logo.png", "masks/0.png", ".o.mkv.vader/clean/00000_0_4.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        write_image(tmp_path / "a.png", np.zeros((48, 58, 3), np.float32))
        (tmp_path / name).write_bytes((tmp_path / "a.png").read_bytes())
    checkpoints.save(tmp_path / "net.safetensors", network)
    (tmp_path / "link.json").symlink_to("s.mkv")
    (tmp_path / "wide").symlink_to(".")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["x.preview.mkv", "-o", "x.mkv", "--preview"],
        ["s.mkv", "-o", "o.mkv", "--json", "s.mkv"],
        ["s.mkv", "-o", "o.mkv", "--json", "wide/s.mkv"],
        ["s.mkv", "-o", "o.mkv", "--json", "link.json"],
        ["s.mkv", "-o", "o.mkv", "--json", "o.mkv"],
        ["s.mkv", "-o", "o.mkv", "--json", "o.preview.mkv", "--preview"],
        ["s.mkv", "-o", "o.mkv", "--json", "net.safetensors"],
        ["s.mkv", "-o", "o.mkv", "--mask", "m.mkv", "--json", "m.mkv"],
        ["s.mkv", "-o", "m.mkv", "--mask", "m.mkv"],
        ["a.png", "-o", "logo.png", "--mask", "logo.png"],
        ["s.mkv", "-o", "m.mkv", "--restore", "m.mkv"],
        ["a.png", "-o", "masks/0.png", "--mask", "masks"],
        ["a.png", "x.preview.mkv", "-o", "."],
        ["a.png", "a.preview.png", "-o", "out", "--preview"],
        [".o.mkv.vader/clean/00000_0_4.mkv", "-o", "o.mkv"],
        ["s.mkv", "-o", "o.mkv", "--json", ".o.mkv.vader/report.json"],
    ],
    ids=" ".join,
)
def test_conflicts_are_refused_before_any_work(folder, arguments):
    there = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(UsageError):
        cli.run(["clean", "-c", "net.safetensors", *arguments])
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == there


def test_results_beside_what_is_read_are_allowed(folder):
    (folder / "a.preview.png").rename("b.png")
    options = ["-c", "net.safetensors", "--mask", "logo.png", "--preview", "--json", "masks/report.json"]
    for _ in range(2):
        assert cli.run(["clean", "a.png", "b.png", "-o", "masks", *options]) == 0
    assert (folder / "masks" / "report.json").is_file()
