"""CIEDE2000 against scikit-image, and the pairs of Sharma et al. that catch wrong implementations."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from mlx_vader.metrics import ciede2000
from mlx_vader.metrics.ciede2000 import delta_e, to_lab

#: L*, a*, b* twice, and ΔE₀₀: rows 1, 4, 7, 9, 13, 17, 25 and 34 of their table 1.
PUBLISHED = (
    (50.0, 2.6772, -79.7751, 50.0, 0.0, -82.7485, 2.0425),
    (50.0, -1.3802, -84.2814, 50.0, 0.0, -82.7485, 1.0000),
    (50.0, 0.0, 0.0, 50.0, -1.0, 2.0, 2.3669),
    (50.0, 2.49, -0.001, 50.0, -2.49, 0.0009, 7.1792),
    (50.0, -0.001, 2.49, 50.0, 0.0009, -2.49, 4.8045),
    (50.0, 2.5, 0.0, 73.0, 25.0, -18.0, 27.1492),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (2.0776, 0.0795, -1.135, 0.9033, -0.0636, -0.5514, 0.9082),
)


def test_equals_the_published_pairs() -> None:
    pairs = np.array(PUBLISHED)
    one, other, expected = pairs[:, :3], pairs[:, 3:6], pairs[:, 6]
    np.testing.assert_allclose(delta_e(one, other), expected, atol=1e-4)
    np.testing.assert_allclose(delta_e(other, one), expected, atol=1e-4)


def test_equals_scikit_image() -> None:
    rng = np.random.default_rng(0)
    restored, clean = rng.random((2, 3, 40, 50, 3), np.float32)
    clean[0, :10] = clean[0, :10, :, :1]  # greys
    mask = (rng.random((3, 40, 50, 1)) < 0.5).astype(np.float32)
    labs = [rgb2lab(clip.astype(np.float64)) for clip in (restored, clean)]
    np.testing.assert_allclose(to_lab(restored), labs[0], atol=1e-4)
    expected = deltaE_ciede2000(*labs)
    np.testing.assert_allclose(delta_e(*labs), expected, atol=1e-4)
    assert ciede2000(restored, clean, mask) == pytest.approx(expected[mask[..., 0] > 0.5].mean(), abs=1e-4)


def test_equal_pictures_have_no_difference_and_no_pixels_no_figure() -> None:
    clip = np.random.default_rng(1).random((1, 8, 8, 3), np.float32)
    assert ciede2000(clip, clip, np.ones((1, 8, 8, 1))) == 0
    assert np.isnan(ciede2000(clip, clip, np.zeros((1, 8, 8, 1))))
