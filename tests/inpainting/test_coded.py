"""Colours that bled beyond a mark do not come back into the hole; luma starts at the hole's border."""

import cv2
import numpy as np

from mlx_vader.inpainting.fill.coded import FRINGE, fill_as_coded, with_fringe
from mlx_vader.inpainting.fill.membrane import fill_with_membrane
from mlx_vader.metrics import psnr

SIZE = 60, 80


def scene() -> np.ndarray:
    """Smooth colours with finer luma, one frame in [0, 1]."""
    random = np.random.default_rng(3)
    coarse = cv2.resize(random.random((4, 5, 3), dtype=np.float32), SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(random.standard_normal(SIZE).astype(np.float32), (0, 0), 2)
    return np.clip(0.2 + 0.6 * coarse + 0.3 * fine[..., None], 0, 1)[None]


def hole() -> np.ndarray:
    mask = np.zeros((1, *SIZE, 1), np.float32)
    mask[0, 20:34, 30:52] = 1
    return mask


def bled(clip: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A red mark whose chroma was halved, as codecs do."""
    marked = np.where(mask > 0, np.float32([1, 0, 0]), clip)[0]
    luma = marked @ np.float32([0.299, 0.587, 0.114])
    colours = marked - luma[..., None]
    halved = cv2.resize(colours, (SIZE[1] // 2, SIZE[0] // 2), interpolation=cv2.INTER_AREA)
    return np.clip(luma[..., None] + cv2.resize(halved, SIZE[::-1]), 0, 1)[None]


def test_bled_colours_are_not_carried_back():
    clip, mask = scene(), hole()
    seen, inside = bled(clip, mask), hole()[..., 0] > 0
    made, plain = fill_as_coded(seen, mask), fill_with_membrane(seen, mask)
    assert psnr(made[inside], clip[inside]) > psnr(plain[inside], clip[inside]) + 2


def test_the_fringe_loses_the_marks_colours_and_keeps_its_luma():
    clip, mask = scene(), hole()
    seen = bled(clip, mask)
    made = fill_as_coded(seen, mask)
    fringe = with_fringe(mask[0, ..., 0] > 0) & (mask[0, ..., 0] == 0)
    assert psnr(made[0][fringe], clip[0][fringe]) > psnr(seen[0][fringe], clip[0][fringe]) + 1
    luma = np.float32([0.299, 0.587, 0.114])
    unclipped = fringe & ((made[0] > 0) & (made[0] < 1)).all(axis=-1)
    assert np.abs((made[0] - seen[0])[unclipped] @ luma).max() < 1e-5


def test_beyond_the_fringe_nothing_changes():
    clip, mask = scene(), hole()
    made = fill_as_coded(clip, mask)
    far = cv2.dilate(mask[0, ..., 0], np.ones((2 * FRINGE + 1, 2 * FRINGE + 1))) == 0
    assert np.array_equal(made[0][far], clip[0][far])


def test_a_hole_that_leaves_nothing_beyond_its_fringe_is_filled():
    clip, mask = scene(), np.ones((1, *SIZE, 1), np.float32)
    mask[0, 0] = 0
    assert np.isfinite(fill_as_coded(clip, mask)).all()
