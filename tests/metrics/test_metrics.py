"""PSNR and SSIM against scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from mlx_vader.metrics import masked_psnr, psnr, ssim


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    clean = rng.random((3, 24, 37, 3), np.float32)
    return np.clip(clean + rng.normal(0, 0.1, clean.shape), 0, 1).astype(np.float32), clean


def test_psnr_equals_skimage(pair):
    expected = peak_signal_noise_ratio(pair[1].astype(np.float64), pair[0].astype(np.float64), data_range=1)
    assert psnr(*pair) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("smooth", [False, True])
def test_ssim_equals_skimage(pair, smooth):
    restored, clean = (np.sqrt(frames) if smooth else frames for frames in pair)
    expected = np.mean(
        [
            structural_similarity(
                a.astype(np.float64),
                b.astype(np.float64),
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=1,
                channel_axis=-1,
            )
            for a, b in zip(restored, clean, strict=True)
        ]
    )
    assert ssim(restored, clean) == pytest.approx(expected, abs=1e-6)


def test_equal_frames_are_perfect(pair):
    clean = pair[1]
    assert psnr(clean, clean) == np.inf
    assert ssim(clean, clean) == pytest.approx(1)


def test_ssim_refuses_frames_smaller_than_its_window():
    with pytest.raises(ValueError, match="11x11"):
        ssim(np.zeros((1, 8, 32, 3)), np.zeros((1, 8, 32, 3)))


def test_masked_psnr_sees_one_side_only(pair):
    clean = pair[1]
    mask = np.zeros((*clean.shape[:3], 1), np.float32)
    mask[:, 5:10, 5:10] = 1
    spoiled = clean + 0.1 * mask
    assert masked_psnr(spoiled, clean, mask) == pytest.approx(20, abs=1e-4)
    assert masked_psnr(spoiled, clean, mask, inside=False) == np.inf


def test_masked_psnr_pools_the_frames(pair):
    """One mean squared error over all frames, not a mean of decibels: against scikit-image on the chosen pixels."""
    restored, clean = pair
    mask = (np.random.default_rng(1).random((*clean.shape[:3], 1)) < 0.3).astype(np.float32)
    mask[1] = 0
    chosen = np.broadcast_to(mask > 0.5, clean.shape)
    for inside, pixels in ((True, chosen), (False, ~chosen)):
        expected = peak_signal_noise_ratio(
            clean[pixels].astype(np.float64), restored[pixels].astype(np.float64), data_range=1
        )
        assert masked_psnr(restored, clean, mask, inside=inside) == pytest.approx(expected, abs=1e-9)


def test_masked_psnr_of_an_empty_mask_is_not_a_number(pair):
    mask = np.zeros((*pair[1].shape[:3], 1), np.float32)
    assert np.isnan(masked_psnr(*pair, mask))
    assert masked_psnr(*pair, mask, inside=False) == pytest.approx(psnr(*pair))


@given(st.floats(0.001, 0.5))
@settings(max_examples=25, deadline=None)
def test_psnr_of_a_constant_error(error):
    assert psnr(np.full((4, 4), error), np.zeros((4, 4))) == pytest.approx(-20 * np.log10(error))
