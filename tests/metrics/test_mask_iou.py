"""Intersection over union against scikit-learn and against counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score

from mlx_vader.metrics import mask_iou


def _masks(seed):
    rng = np.random.default_rng(seed)
    predicted = rng.random((3, 8, 9, 1), np.float32)
    return predicted, (rng.random((3, 8, 9, 1)) < rng.random()).astype(np.float32)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_equals_scikit_learn_over_the_whole_clip(seed):
    predicted, true = _masks(seed)
    expected = jaccard_score(true.ravel() > 0.5, predicted.ravel() > 0.5, zero_division=1.0)
    assert mask_iou(predicted, true) == pytest.approx(expected)
    assert mask_iou(true, predicted) == mask_iou(predicted, true)


def test_half_of_a_square_and_as_much_beside_it():
    true, predicted = np.zeros((2, 2, 10, 10, 1), np.float32)
    true[0, :4, :4] = 1
    predicted[0, :4, 2:6] = 0.51
    predicted[0, 8:, 8:] = 0.5
    assert mask_iou(predicted, true) == pytest.approx(8 / 24)


def test_frames_are_pooled():
    """A frame with a small mask counts for little: not the mean of 0 and 1."""
    true, predicted = np.zeros((2, 2, 10, 10, 1), np.float32)
    true[0] = predicted[0] = 1
    true[1, 0, 0] = 1
    assert mask_iou(predicted, true) == pytest.approx(100 / 101)


def test_nothing_found_where_nothing_is():
    empty = np.zeros((2, 4, 4, 1), np.float32)
    assert mask_iou(empty, empty) == 1.0
    assert mask_iou(empty + 1, empty) == 0.0
    assert mask_iou(empty, empty + 1) == 0.0
