"""MS-SSIM against pytorch-msssim."""

import numpy as np
import pytest
import torch
from pytorch_msssim import ms_ssim as torch_ms_ssim
from skimage.data import astronaut

from mlx_vader.metrics import ms_ssim
from mlx_vader.metrics.ms_ssim import SMALLEST

PICTURE = astronaut().astype(np.float32)[:208, 100:340] / 255


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.5])
def test_equals_pytorch_msssim(sigma: float) -> None:
    clean = np.stack([PICTURE, PICTURE[::-1]])
    noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
    restored = np.clip(clean + noise, 0, 1).astype(np.float32)
    ours, theirs = (torch.from_numpy(x.astype(np.float64)).permute(0, 3, 1, 2) for x in (restored, clean))
    expected = torch_ms_ssim(ours, theirs, data_range=1).item()
    assert ms_ssim(restored, clean) == pytest.approx(expected, abs=1e-5)


def test_what_is_opposite_has_no_structure() -> None:
    assert ms_ssim(1 - PICTURE, PICTURE) == 0
    assert ms_ssim(PICTURE, PICTURE) == pytest.approx(1)


def test_an_odd_row_and_column_are_dropped() -> None:
    assert 0.99 < ms_ssim(PICTURE[:199, :217], np.clip(PICTURE[:199, :217] + 0.01, 0, 1)) < 1


def test_frames_too_small_for_five_scales_are_refused() -> None:
    with pytest.raises(ValueError, match="176x176, not 240x175"):
        ms_ssim(PICTURE[: SMALLEST - 1], PICTURE[: SMALLEST - 1])
