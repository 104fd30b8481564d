"""The boundary error against its formula, written down again with SciPy's morphology."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion
from skimage.data import astronaut

from mlx_vader.metrics import boundary_error

PICTURE = astronaut().astype(np.float32)[100:164, 100:180] / 255
LUMA = (0.299, 0.587, 0.114)


def _hole(frames: int, left: int = 20) -> np.ndarray:
    mask = np.zeros((frames, *PICTURE.shape[:2], 1), np.float32)
    mask[:, 10:30, left : left + 25] = 1
    return mask


def test_equals_its_formula() -> None:
    rng = np.random.default_rng(0)
    clean = np.stack([PICTURE, PICTURE[:, ::-1], PICTURE[::-1]])
    restored = rng.random(clean.shape, np.float32)
    mask = (rng.random((3, *PICTURE.shape[:2], 1)) < 0.02).astype(np.float32)
    mask[0, :20, 30:50] = 1  # reaches the frame's border
    mask[1] = 0
    found = []
    for frame, true, hole in zip(restored, clean, mask[..., 0] > 0.5, strict=True):
        outside = binary_dilation(hole, np.ones((11, 11))) & ~hole
        edge = hole & ~binary_erosion(hole, border_value=1)
        slopes = [
            np.sqrt(sum(g**2 for g in np.gradient(np.average(x, axis=-1, weights=LUMA))))
            for x in (frame, true)
        ]
        found += [abs(value - slopes[1][outside].mean()) for value in slopes[0][edge]]
    assert boundary_error(restored, clean, mask) == pytest.approx(np.mean(found), abs=1e-6)


def test_a_seam_costs_more_than_a_smear_and_a_smear_more_than_nothing() -> None:
    slope = np.broadcast_to(np.linspace(0, 1, 80, dtype=np.float32)[:, None], (1, 64, 80, 3)).copy()
    mask = _hole(1)
    hole = mask[..., 0] > 0.5
    smear, seam = slope.copy(), slope.copy()
    smear[hole] = slope[hole].mean()
    seam[hole] = 1
    errors = [boundary_error(clip, slope, mask) for clip in (slope, smear, seam)]
    assert errors == sorted(errors)
    assert errors[0] == pytest.approx(0, abs=1e-6)
    assert errors[2] > 3 * errors[1] > 0


def test_without_an_edge_there_is_no_error() -> None:
    clip = PICTURE[None]
    assert np.isnan(boundary_error(clip, clip, np.zeros_like(_hole(1))))
    assert np.isnan(boundary_error(clip, clip, np.ones_like(_hole(1))))
