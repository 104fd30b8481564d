"""A user's mask: which frames it belongs to, how far it reaches, and what is refused."""

from dataclasses import dataclass
from itertools import islice

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mlx_vader.errors import UsageError, VaderError
from mlx_vader.masks import REACH, blend, feathered
from mlx_vader.masks.files import FileMasks
from mlx_vader.video import write_image, write_video

SIZE = 24, 32


def square(row, column):
    """White where 8x8 pixels are marked."""
    mask = np.zeros((*SIZE, 3), np.float32)
    mask[row : row + 8, column : column + 8] = 1
    return mask


@dataclass
class Video:
    """What the masks are for."""

    height: int = SIZE[0]
    width: int = SIZE[1]
    frames: int = 100
    fields: bool = False
    top_first: bool = True

    def read(self, start, stop):
        raise AssertionError("masks in files need not look at the video")


def taken(path, count, start=0, video=Video()):  # noqa: B008 - it is never changed
    source = FileMasks(path)
    assert list(source.analyse(video, {})) == []
    assert source.finding.status == "told"
    return list(islice(source.masks(start), count))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 23), st.integers(0, 31))
def test_the_feather_is_one_inside_and_zero_out_of_reach(row, column):
    mask = np.zeros((*SIZE, 1), np.float32)
    mask[row, column] = 1
    alpha = feathered(mask)[..., 0]
    rows, columns = np.ogrid[: SIZE[0], : SIZE[1]]
    distance = np.maximum(abs(rows - row), abs(columns - column))
    assert (alpha[distance <= 2] == 1).all()
    assert (alpha[distance > REACH] == 0).all()
    assert (alpha[distance <= REACH] > 0).all()


def test_blending_keeps_the_frame_bit_for_bit_where_alpha_is_zero():
    random = np.random.default_rng(3)
    frame, restored = random.random((2, *SIZE, 3), dtype=np.float32)
    alpha = feathered(square(4, 4)[..., :1])
    out = blend(frame, restored, alpha)
    assert np.array_equal(out[alpha[..., 0] == 0], frame[alpha[..., 0] == 0])
    assert np.allclose(out[alpha[..., 0] == 1], restored[alpha[..., 0] == 1], atol=1e-6)


def test_an_image_is_the_mask_of_every_frame(tmp_path):
    write_image(tmp_path / "mask.png", square(4, 4))
    masks = taken(tmp_path / "mask.png", 5)
    assert np.array_equal(masks[0], square(4, 4)[..., :1])
    assert all(mask is masks[0] for mask in masks)


@pytest.mark.parametrize("top_first", [True, False])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_fields_get_their_own_lines(tmp_path, top_first, start):
    mask = square(5, 4)
    write_image(tmp_path / "mask.png", mask)
    video = Video(height=SIZE[0] // 2, fields=True, top_first=top_first)
    upper, lower = mask[0::2, :, :1], mask[1::2, :, :1]
    order = (upper, lower) if top_first else (lower, upper)
    for number, field in enumerate(taken(tmp_path / "mask.png", 4, start, video), start=start):
        assert np.array_equal(field, order[number % 2])


def test_a_video_and_a_folder_go_frame_by_frame_from_any_start(tmp_path):
    (tmp_path / "masks").mkdir()
    with write_video(tmp_path / "masks.mkv", frame_rate=25, crf=1) as out:
        for index in range(4):
            out.write(square(4, 4 * index))
            write_image(tmp_path / "masks" / f"{index:03d}.png", square(4, 4 * index))
    for path in (tmp_path / "masks.mkv", tmp_path / "masks"):
        masks = taken(path, 2, start=2)
        assert np.array_equal(masks[0], square(4, 8)[..., :1])
        assert np.array_equal(masks[1], square(4, 12)[..., :1])
        with pytest.raises(VaderError, match="ends before"):
            taken(path, 5)


def test_a_mask_of_the_same_shape_is_scaled(tmp_path):
    large = square(4, 4).repeat(2, axis=0).repeat(2, axis=1)
    write_image(tmp_path / "mask.png", large)
    assert np.array_equal(taken(tmp_path / "mask.png", 1)[0], square(4, 4)[..., :1])


def test_jpeg_noise_in_a_mask_does_not_count(tmp_path):
    write_image(tmp_path / "mask.jpg", 0.1 * square(4, 4))
    assert not taken(tmp_path / "mask.jpg", 1)[0].any()


INK = {"white": (255,), "black": (0,), "red": (255, 0, 0), "white and black": (255,)}


@pytest.mark.parametrize("behind", [0, 255])
@pytest.mark.parametrize("ink", INK)
def test_what_is_transparent_is_not_artifact(tmp_path, ink, behind):
    drawn = np.zeros((*SIZE, 4), np.uint8)
    drawn[..., :3] = behind  # what lies under transparency does not count
    drawn[4:12, 4:12] = (*np.broadcast_to(INK[ink], 3), 255)
    if ink == "white and black":
        drawn[12:20, 4:12] = (0, 0, 0, 255)
    Image.fromarray(drawn).save(tmp_path / "mask.png")
    (tmp_path / "masks").mkdir()
    Image.fromarray(drawn).save(tmp_path / "masks" / "0.png")
    with av.open(str(tmp_path / "mask.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25, width=SIZE[1], height=SIZE[0])
        stream.pix_fmt = "bgra"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn, "rgba").reformat(format="bgra")))
        container.mux(stream.encode(None))
    for name in ("mask.png", "masks", "mask.mkv"):
        assert np.array_equal(taken(tmp_path / name, 1)[0], square(4, 4)[..., :1]), name


def test_an_animation_goes_frame_by_frame(tmp_path):
    first, *others = (Image.fromarray((255 * square(4, 4 * n)).astype(np.uint8)) for n in range(3))
    first.save(tmp_path / "mask.png", save_all=True, append_images=others)
    masks = taken(tmp_path / "mask.png", 2, start=1)
    assert np.array_equal(masks[0], square(4, 4)[..., :1])
    assert np.array_equal(masks[1], square(4, 8)[..., :1])
    with pytest.raises(VaderError, match="ends before"):
        taken(tmp_path / "mask.png", 4)


def test_a_mask_that_is_opaque_or_empty_is_as_it_was(tmp_path):
    opaque = np.full((*SIZE, 4), 255, np.uint8)
    opaque[..., :3] = 255 * square(4, 4)
    Image.fromarray(opaque).save(tmp_path / "opaque.png")
    assert np.array_equal(taken(tmp_path / "opaque.png", 1)[0], square(4, 4)[..., :1])
    Image.fromarray(np.zeros((*SIZE, 4), np.uint8)).save(tmp_path / "empty.png")
    assert not taken(tmp_path / "empty.png", 1)[0].any()


def test_what_is_no_mask_is_refused(tmp_path):
    (tmp_path / "mask.txt").write_text("white")
    for name in ("mask.txt", "missing.png"):
        with pytest.raises(UsageError, match=name):
            FileMasks(tmp_path / name)
