"""Images from file to file: what the file holds besides its pixels, and besides its first picture."""

import json
import sys

import numpy as np
import pytest
from PIL import Image, ImageCms

from mlx_vader import cli
from mlx_vader.errors import VaderError
from mlx_vader.jobs.clean import clean
from mlx_vader.video import open_image, read_image, write_image

RNG = np.random.default_rng(5)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def mask(tmp_path):
    """White in a corner."""
    white = np.zeros((24, 32, 3), np.float32)
    white[:8, :8] = 1
    write_image(tmp_path / "mask.png", white)
    return tmp_path / "mask.png"


def pictures(count):
    return [Image.fromarray(RNG.integers(0, 256, (24, 32, 4)).astype(np.uint8)) for _ in range(count)]


def test_alpha_profile_exif_and_density_stay(tmp_path, mask):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    (picture,) = pictures(1)
    picture.save(tmp_path / "in.png", exif=exif, icc_profile=PROFILE, dpi=(300, 300))
    clean(tmp_path / "in.png", tmp_path / "out.png", mask=mask, fill="membrane")
    before = np.asarray(picture)
    with Image.open(tmp_path / "out.png") as image:
        after = np.asarray(image)
        assert image.info["icc_profile"] == PROFILE
        assert image.getexif()[0x010F] == "A camera"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert np.array_equal(after[..., 3], before[..., 3])
    assert np.array_equal(after[20:, 20:], before[20:, 20:])
    assert not np.array_equal(after[:8, :8, :3], before[:8, :8, :3])


@pytest.mark.parametrize("name", ["in.webp", "in.png"])
def test_an_animation_is_cleaned_as_a_clip(tmp_path, mask, network, name):
    first, *others = pictures(5)
    first.save(
        tmp_path / name, save_all=True, append_images=others, duration=[40, 40, 80, 40, 40], lossless=True
    )
    report = clean(tmp_path / name, tmp_path / f"out-{name}", mask=mask, fill="membrane", preview=True)
    assert report.files[0].frames == 5
    before, after = open_image(tmp_path / name), open_image(tmp_path / f"out-{name}")
    assert after.durations == (40, 40, 80, 40, 40)
    for one, other in zip(before.frames, after.frames, strict=True):
        assert not np.array_equal(one[:8, :8], other[:8, :8])


def test_pages_are_cleaned_one_by_one(tmp_path, mask):
    first, *others = (picture.convert("RGB") for picture in pictures(3))
    first.save(tmp_path / "in.tif", save_all=True, append_images=others)
    clean(tmp_path / "in.tif", tmp_path / "out.tif", mask=mask, fill="membrane")
    before, after = open_image(tmp_path / "in.tif"), open_image(tmp_path / "out.tif")
    assert len(after.frames) == 3
    for one, other in zip(before.frames, after.frames, strict=True):
        assert np.array_equal(one[20:, 20:], other[20:, 20:])
        assert not np.array_equal(one[:8, :8], other[:8, :8])


def test_what_the_target_cannot_hold_is_said_before_work(tmp_path, mask):
    first, *others = pictures(3)
    first.save(tmp_path / "in.png", save_all=True, append_images=others)
    notes = []
    report = clean(
        tmp_path / "in.png", tmp_path / "out.jpg", mask=mask, fill="membrane", on_note=notes.append
    )
    assert report.files[0].losses == ("alpha", "2 of 3 frames")
    assert "alpha, 2 of 3 frames" in notes[0]
    assert read_image(tmp_path / "out.jpg").shape == (24, 32, 3)


def test_a_target_that_needs_an_extra_is_refused_before_work(tmp_path, mask, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    pictures(1)[0].save(tmp_path / "in.png")
    with pytest.raises(VaderError, match="pillow-heif"):
        clean(tmp_path / "in.png", tmp_path / "out.heic", mask=mask, fill="membrane", on_progress=pytest.fail)


def test_every_file_of_a_folder_that_is_skipped_is_named(tmp_path, mask, capsys):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (picture,) = pictures(1)
    picture.save(folder / "a.png")
    skipped = ["a.clean.png", "deep/film.braw", "notes.txt"]
    for name in skipped:
        (folder / name).write_bytes(b"0")
    (folder / ".DS_Store").write_bytes(b"0")
    report = tmp_path / "report.json"
    options = ["--mask", str(mask), "--fill", "membrane", "--json", str(report)]
    assert cli.run(["clean", str(folder), "-o", str(tmp_path / "out"), *options]) == 0
    said = capsys.readouterr().err
    for name in skipped:
        assert f"note: {folder / name} is skipped" in said
    assert ".DS_Store" not in said
    assert json.loads(report.read_text())["skipped"] == [str(folder / name) for name in skipped]
