"""Images come out as they went in."""

import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.video import ImageFile, open_image, read_image, write_image, write_images
from mlx_vader.video.image_metadata import Metadata

RNG = np.random.default_rng(5)
SMALL = RNG.integers(0, 256, (12, 17, 4)).astype(np.uint8)
XMP = b"""<x:xmpmeta xmlns:x='adobe:ns:meta/'><place>Somewhere</place></x:xmpmeta>"""
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
    _deep_png(source, 3)
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
    profile = PROFILE[:16] + b"GRAY" + PROFILE[20:]
    Image.fromarray(grey).save(tmp_path / "source.png", icc_profile=profile)
    write_image(tmp_path / "a.png", read_image(tmp_path / "source.png"), source=tmp_path / "source.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["icc_profile"] == profile


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


def _described(path, samples):
    """An image with all that it may say beside the pixels, by Pillow; it writes no XMP into TIFF."""
    if path.suffix == ".tif":
        metadata = Metadata(PROFILE, _exif(), XMP, (300.0, 150.0))
        rgb = samples.astype(np.float32) / 255
        write_images(path, [rgb], ImageFile((rgb,), (None,), metadata=metadata))
        return
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    info.add_text("Author", "Somebody")
    info.add_itxt("Title", "Überschrift", "de", "Titel")
    Image.fromarray(samples).save(
        path, exif=_exif(), icc_profile=PROFILE, dpi=(300, 150), xmp=XMP, pnginfo=info
    )


def _deep_png(path, channels):
    """16 bits a sample, by FFmpeg."""
    pix_fmt = {1: "gray16be", 2: "ya16be", 3: "rgb48be", 4: "rgba64be"}[channels]
    values = RNG.integers(0, 65536, (12, 17, channels)).astype(np.uint16)
    frame = av.VideoFrame(17, 12, pix_fmt)
    rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(12, -1)
    packed = values.astype(">u2").view(np.uint8).reshape(12, -1)
    filled = rows.copy()
    filled[:, : packed.shape[1]] = packed
    frame.planes[0].update(filled.tobytes())
    context = av.CodecContext.create("png", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 17, 12, pix_fmt, Fraction(1)
    path.write_bytes(b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)]))
    return values


@pytest.mark.parametrize("target", ["a.png", "a.jpg", "a.webp", "a.tif"])
@pytest.mark.parametrize("source", ["s.png", "s.jpg", "s.webp", "s.tif"])
def test_profile_exif_xmp_and_density_are_kept(source, target, tmp_path):
    _described(tmp_path / source, SMALL[..., :3])
    write_image(tmp_path / target, read_image(tmp_path / source), source=tmp_path / source)
    with Image.open(tmp_path / target) as image:
        assert image.info["icc_profile"] == PROFILE
        assert image.getexif()[0x010F] == "A camera"
        assert image.getexif().get_ifd(0x8769)[0x829A] == pytest.approx(0.004)
        assert b"Somewhere" in image.info["xmp"]
        if "webp" not in source + target:
            assert image.info["dpi"] == pytest.approx((300, 150), abs=0.1)
        if source == "s.png" and target == "a.png":
            assert image.text["Author"] == "Somebody"
            assert (image.text["Title"], image.text["Title"].lang) == ("Überschrift", "de")


@pytest.mark.parametrize("target", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_keep_their_kind_and_all_that_is_beside_them(channels, target, tmp_path):
    values = _deep_png(tmp_path / "plain.png", channels)
    described = tmp_path / "described.png"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if channels < 3:
        profile = profile[:16] + b"GRAY" + profile[20:]
    source = ImageFile(
        (read_image(tmp_path / "plain.png"),),
        (values[..., -1] / np.float32(65535) if channels in {2, 4} else None,),
        16,
        channels < 3,
        metadata=Metadata(profile, _exif(), XMP, (300.0, 150.0), text={"Author": "Somebody"}),
    )
    write_images(described, source.frames, source)
    write_image(tmp_path / target, read_image(described), source=described)
    made = open_image(tmp_path / target)
    gray = channels < 3 and (channels, target) != (2, "a.tif")  # which Pillow does not read
    assert (made.bits, made.gray) == (16, gray)
    rgb = np.repeat(values[..., :1], 3, -1) if channels < 3 else values[..., :3]
    np.testing.assert_allclose(made.frames[0] * 65535, rgb, atol=1e-2)
    if channels in {2, 4}:
        np.testing.assert_allclose(made.alphas[0] * 65535, values[..., -1], atol=1e-2)
    with Image.open(tmp_path / target) as image:
        image.load()
        assert image.info.get("icc_profile") == (profile if gray == (channels < 3) else None)
        assert image.getexif()[0x010F] == "A camera"
        assert image.getexif().get_ifd(0x8769)[0x829A] == pytest.approx(0.004)
        assert b"Somewhere" in (image.info.get("xmp") or image.text["XML:com.adobe.xmp"].encode())
        assert image.info["dpi"] == pytest.approx((300, 150), abs=0.1)


def _exif():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8769)[0x829A] = 0.004
    return exif.tobytes()


def test_what_a_png_says_of_its_colours_is_kept(tmp_path):
    info = PngInfo()
    info.add(b"gAMA", (100_000).to_bytes(4, "big"))
    info.add(b"cHRM", b"".join(value.to_bytes(4, "big") for value in range(30_000, 30_008)))
    Image.fromarray(SMALL).save(tmp_path / "s.png", pnginfo=info)
    write_image(tmp_path / "a.png", read_image(tmp_path / "s.png"), source=tmp_path / "s.png")
    with Image.open(tmp_path / "s.png") as before, Image.open(tmp_path / "a.png") as after:
        for name in ("gamma", "chromaticity"):
            assert after.info[name] == before.info[name]


def test_samples_of_32_bits_are_refused(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(VaderError, match="32 bits"):
        read_image(tmp_path / "a.tif")


def test_damaged_exif_is_no_reason_to_refuse_a_picture(tmp_path):
    Image.fromarray(SMALL[..., :3]).save(tmp_path / "a.jpg", exif=_exif())
    whole = (tmp_path / "a.jpg").read_bytes()
    place = whole.index(b"A camera") - 40
    (tmp_path / "a.jpg").write_bytes(whole[:place] + b"\xff" * 40 + whole[place + 40 :])
    assert read_image(tmp_path / "a.jpg").shape == (12, 17, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_grey_stays_grey(suffix, tmp_path):
    grey = RNG.integers(0, 256, (12, 17)).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "s.png")
    write_image(tmp_path / f"a{suffix}", read_image(tmp_path / "s.png"), source=tmp_path / "s.png")
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.mode == "L"
        if suffix != ".jpg":
            np.testing.assert_array_equal(np.asarray(image), grey)


def test_the_profile_of_inks_is_not_put_on_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "s.jpg")
    assert open_image(tmp_path / "s.jpg").losses_in(tmp_path / "a.jpg") == ("CMYK becomes RGB",)
    inks = PROFILE[:16] + b"CMYK" + PROFILE[20:]
    assert Metadata(inks).of(gray=False).profile is None
    assert Metadata(PROFILE).of(gray=True).profile is None
    assert Metadata(PROFILE).of(gray=False).profile == PROFILE


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_animations_are_read_and_written_whole(suffix, tmp_path):
    frames = RNG.integers(0, 256, (4, 12, 17, 4)).astype(np.uint8)
    images = [Image.fromarray(frame) for frame in frames]
    more = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    source = tmp_path / f"s{suffix}"
    images[0].save(
        source, save_all=True, append_images=images[1:], duration=[40, 80, 120, 40], loop=3, **more
    )
    animation = open_image(source)
    assert len(animation.frames) == 4
    assert animation.durations == (40, 80, 120, 40)
    write_images(tmp_path / f"a{suffix}", animation.frames, animation)
    made = open_image(tmp_path / f"a{suffix}")
    assert (made.durations, made.loop) == (animation.durations, 3)
    for one, other, alpha, kept in zip(
        animation.frames, made.frames, animation.alphas, made.alphas, strict=True
    ):
        np.testing.assert_array_equal(kept, alpha)
        np.testing.assert_array_equal(
            np.where(alpha[..., None] > 0, other, 0), np.where(alpha[..., None] > 0, one, 0)
        )
    assert animation.losses_in(tmp_path / "a.jpg") == ("alpha", "3 of 4 frames")


def test_pages_are_read_and_written_whole(tmp_path):
    pages = [Image.fromarray(RNG.integers(0, 256, size).astype(np.uint8)) for size in ((9, 7, 3), (5, 8, 3))]
    pages[0].save(tmp_path / "s.tif", save_all=True, append_images=pages[1:])
    source = open_image(tmp_path / "s.tif")
    write_images(tmp_path / "a.tif", source.frames, source)
    with Image.open(tmp_path / "a.tif") as image:
        assert image.n_frames == 2
        for number, page in enumerate(pages):
            image.seek(number)
            np.testing.assert_array_equal(np.asarray(image), np.asarray(page))
    assert source.losses_in(tmp_path / "a.png") == ("1 of 2 pages",)


@pytest.mark.parametrize(
    ("target", "losses"), [("a.png", ()), ("a.tif", ()), ("a.jpg", ("alpha", "16 bits become 8"))]
)
def test_what_a_format_cannot_hold_is_said(target, losses, tmp_path):
    _deep_png(tmp_path / "s.png", 4)
    assert open_image(tmp_path / "s.png").losses_in(tmp_path / target) == losses


def test_heic_is_read_and_written_with_the_extra(tmp_path):
    pytest.importorskip("pillow_heif")
    y, x = np.mgrid[0:64, 0:96]
    rgb = np.stack([x / 95, y / 63, (x + y) / 158], -1).astype(np.float32)
    _described(tmp_path / "s.png", (255 * rgb).astype(np.uint8))
    write_image(tmp_path / "a.heic", rgb, source=tmp_path / "s.png")
    write_image(tmp_path / "b.heic", read_image(tmp_path / "a.heic"), source=tmp_path / "a.heic")
    assert np.abs(read_image(tmp_path / "b.heic") - rgb).mean() < 0.01
    with Image.open(tmp_path / "b.heic") as image:
        assert image.info["icc_profile"] == PROFILE
        assert image.getexif()[0x010F] == "A camera"


def test_heic_without_the_extra_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(b"0")
    with pytest.raises(VaderError, match="pillow-heif") as refusal:
        read_image(tmp_path / "a.heic")
    assert "vader-mlx[heic]" in refusal.value.hint
