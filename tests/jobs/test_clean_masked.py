"""From file to file with a mask: the network is told of it, and its work counts in it alone."""

import numpy as np
import pytest

from mlx_vader.errors import VaderError
from mlx_vader.inpainting.fill.membrane import fill_smooth_places
from mlx_vader.jobs.clean import clean
from mlx_vader.levels import to_unit
from mlx_vader.masks import REACH
from mlx_vader.metrics import psnr
from mlx_vader.video import read_image, write_image, write_video
from tests.inpainting.test_unblend import WORD, marked, scene, strokes
from tests.jobs.conftest import frames_of
from tests.streaming.backends import Painter

LOSSLESS = {"codec": "ffv1", "clip_length": 4}


def test_a_masked_image_changes_inside_the_mask_only(tmp_path, small_clip, network):
    image = frames_of(small_clip)[0]
    mask = np.zeros_like(image)
    mask[20:28, 10:30] = 1
    write_image(tmp_path / "in.png", image)
    write_image(tmp_path / "mask.png", mask)
    clean(
        tmp_path / "in.png",
        tmp_path / "out.png",
        checkpoint=network,
        fill="mixed",
        mask=tmp_path / "mask.png",
    )
    clean(tmp_path / "in.png", tmp_path / "free.png", checkpoint=network, find="network")
    out, free = read_image(tmp_path / "out.png"), read_image(tmp_path / "free.png")
    reach = np.zeros(image.shape[:2], bool)
    reach[20 - REACH : 28 + REACH, 10 - REACH : 30 + REACH] = True
    assert np.array_equal(out[~reach], image[~reach])
    expected = fill_smooth_places(free[None], mask[None, ..., :1])[0]
    assert np.allclose(out[20:28, 10:30], expected[20:28, 10:30], atol=1.01 / 255)
    assert not np.array_equal(out, image)


def test_a_mask_is_a_hint_to_the_network(tmp_path, small_clip, monkeypatch):
    """The network paints what the hint tells it; the mask lets through what lies in it, and nothing else."""
    painter = Painter(takes_hint=True)
    monkeypatch.setattr("mlx_vader.jobs.composition.load_backend", lambda *_, **__: painter)
    mask = np.zeros_like(frames_of(small_clip)[0])
    mask[8:24, 8:24] = 1
    write_image(tmp_path / "mask.png", mask)
    clean(small_clip, tmp_path / "told.mkv", mask=tmp_path / "mask.png", fill="mixed", **LOSSLESS)
    told = frames_of(tmp_path / "told.mkv")
    assert (told[:, 8:24, 8:24] == 1).all()
    clean(small_clip, tmp_path / "blind.mkv", find="network", **LOSSLESS)
    assert np.allclose(frames_of(tmp_path / "blind.mkv"), 0.5, atol=1 / 255)
    assert painter.told == {True, False}


def test_a_masked_video_keeps_the_outside_bit_for_bit(tmp_path, small_clip, network):
    frames = frames_of(small_clip)
    mask = np.zeros_like(frames[0])
    mask[:16, :16] = 1
    write_image(tmp_path / "mask.png", mask)
    clean(
        small_clip,
        tmp_path / "out.mkv",
        checkpoint=network,
        fill="mixed",
        mask=tmp_path / "mask.png",
        **LOSSLESS,
    )
    out = frames_of(tmp_path / "out.mkv")
    assert np.array_equal(out[:, 16 + REACH :], frames[:, 16 + REACH :])
    assert np.array_equal(out[:, :, 16 + REACH :], frames[:, :, 16 + REACH :])
    assert not np.array_equal(out, frames)


def test_a_mask_of_another_shape_is_an_error(tmp_path, small_clip, network):
    write_image(tmp_path / "mask.png", np.zeros((40, 400, 3), np.float32))
    with pytest.raises(VaderError, match="400x40"):
        clean(small_clip, tmp_path / "out.mp4", checkpoint=network, fill="mixed", mask=tmp_path / "mask.png")
    assert [path.name for path in tmp_path.iterdir()] == ["mask.png"]


def test_a_translucent_mark_is_subtracted_without_a_network(tmp_path):
    """From file to file: what shines through comes back, and the report says how."""
    clip, opacity = scene(), 0.5 * strokes()
    with write_video(tmp_path / "in.mkv", frame_rate=25, codec="ffv1") as writer:
        for frame in to_unit(marked(clip, opacity, WORD)):
            writer.write(frame)
    write_image(tmp_path / "mask.png", np.repeat((opacity > 0.02)[..., None], 3, axis=-1).astype(np.float32))
    report = clean(
        tmp_path / "in.mkv", tmp_path / "out.mkv", mask=tmp_path / "mask.png", fill="unblend", codec="ffv1"
    )
    (mark,) = report.as_dict()["files"][0]["marks"]
    assert mark["treated"] == "unblend"
    assert abs(mark["alpha"] - 0.5) < 0.06
    made = frames_of(tmp_path / "out.mkv")
    assert psnr(made[:, opacity > 0.02], clip[:, opacity > 0.02]) > 30
