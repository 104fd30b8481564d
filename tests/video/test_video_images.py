"""Images come out as they went in."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.video import read_image, write_image

RNG = np.random.default_rng(5)
SMALL = RNG.integers(0, 256, (12, 17, 4)).astype(np.uint8)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_eight_bits_are_exact(suffix, tmp_path):
    rgb = SMALL[..., :3].astype(np.float32) / 255
    write_image(tmp_path / f"a{suffix}", rgb)
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), rgb)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_formats_are_close(suffix, tmp_path):
    y, x = np.mgrid[0:64, 0:96]
    rgb = np.stack([x / 95, y / 63, (x + y) / 158], -1).astype(np.float32)
    write_image(tmp_path / f"a{suffix}", rgb)
    assert np.abs(read_image(tmp_path / f"a{suffix}") - rgb).mean() < 0.01


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_exact(suffix, tmp_path):
    source = tmp_path / "source.png"
    Image.fromarray(RNG.integers(0, 65536, (4, 4)).astype(np.uint16)).save(source)
    rgb = RNG.integers(0, 65536, (31, 23, 3)).astype(np.float32) / 65535
    write_image(tmp_path / f"a{suffix}", rgb, source=source)
    np.testing.assert_allclose(read_image(tmp_path / f"a{suffix}"), rgb, atol=1e-7)


def test_grey_of_sixteen_bits_is_read_in_full(tmp_path):
    grey = RNG.integers(0, 65536, (9, 7)).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png")[..., 1], grey / 65535, atol=1e-7)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_alpha_comes_back(suffix, tmp_path):
    Image.fromarray(SMALL).save(tmp_path / "source.png")
    write_image(tmp_path / f"a{suffix}", read_image(tmp_path / "source.png"), source=tmp_path / "source.png")
    with Image.open(tmp_path / f"a{suffix}") as image:
        np.testing.assert_array_equal(np.asarray(image)[..., 3], SMALL[..., 3])


def test_alpha_is_dropped_where_there_is_none(tmp_path):
    Image.fromarray(SMALL).save(tmp_path / "source.png")
    write_image(tmp_path / "a.jpg", read_image(tmp_path / "source.png"), source=tmp_path / "source.png")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_and_removed(orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A camera"
    Image.fromarray(SMALL[..., :3]).save(tmp_path / "source.png", exif=exif)
    rgb = read_image(tmp_path / "source.png")
    assert rgb.shape[:2] == ((12, 17) if orientation < 5 else (17, 12))
    write_image(tmp_path / "a.png", rgb, source=tmp_path / "source.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert image.getexif()[0x010F] == "A camera"
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), rgb)


def test_orientation_of_deep_images_equals_that_of_shallow_ones(tmp_path):
    from mlx_vader.video.images import _turned

    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(SMALL[..., :3]).save(tmp_path / "a.png", exif=exif)
        turned = _turned(SMALL[..., :3], orientation)
        np.testing.assert_array_equal(np.round(read_image(tmp_path / "a.png") * 255), turned)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_the_colour_profile_is_kept(suffix, tmp_path):
    Image.fromarray(SMALL[..., :3]).save(tmp_path / "source.png", icc_profile=PROFILE)
    write_image(tmp_path / f"a{suffix}", read_image(tmp_path / "source.png"), source=tmp_path / "source.png")
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.info["icc_profile"] == PROFILE


def test_the_colour_profile_of_a_deep_png_is_kept(tmp_path):
    grey = RNG.integers(0, 65536, (9, 7)).astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / "source.png", icc_profile=PROFILE)
    write_image(tmp_path / "a.png", read_image(tmp_path / "source.png"), source=tmp_path / "source.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n and then nothing"])
def test_broken_images_are_refused_in_one_line(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(VaderError) as refusal:
        read_image(tmp_path / "a.png")
    assert "a.png" in refusal.value.message
    assert "\n" not in refusal.value.message + refusal.value.hint


def test_a_truncated_image_is_refused(tmp_path):
    Image.fromarray(SMALL).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VaderError, match="is not an image that can be read"):
        read_image(tmp_path / "a.png")


def test_a_format_that_is_not_an_image_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no image is written as '\.mp3'"):
        write_image(tmp_path / "a.mp3", np.zeros((4, 4, 3), np.float32))
    assert list(tmp_path.iterdir()) == []
