"""Flicker: 1 for the clean clip, 0 for what stands still, and counted in the mask alone."""

import numpy as np
import pytest

from mlx_vader.metrics import flicker


def test_change_is_counted_against_that_of_the_clean_clip() -> None:
    clean = np.random.default_rng(0).uniform(0.3, 0.6, (4, 8, 8, 3))
    mask = np.ones((4, 8, 8, 1))
    assert flicker(clean, clean, mask) == 1
    assert flicker(0.5 + 3 * (clean - 0.5), clean, mask) == pytest.approx(3)
    assert flicker(np.repeat(clean[:1], 4, axis=0), clean, mask) == 0


def test_only_pixels_that_are_in_the_mask_of_both_frames_count() -> None:
    clean = np.random.default_rng(1).uniform(0, 1, (3, 8, 8, 3))
    mask = np.zeros((3, 8, 8, 1))
    mask[:2, :4] = 1
    mask[2, 4:] = 1  # it moved away: the last change is of no mark
    restored = clean.copy()
    restored[:, 4:] = 0
    restored[2] = 0
    assert flicker(restored, clean, mask) == 1


def test_where_nothing_moves_there_is_nothing_to_compare_with() -> None:
    still = np.full((3, 4, 4, 3), 0.5)
    assert np.isnan(flicker(still, still, np.ones((3, 4, 4, 1))))
    assert np.isnan(flicker(still, still, np.zeros((3, 4, 4, 1))))
