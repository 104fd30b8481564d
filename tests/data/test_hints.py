"""The hints of training clips, and the one that a mask makes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.data.hints import BLIND, LARGEST, random_hint
from mlx_vader.masks import ARTIFACT, CLEAN, UNKNOWN, hint_of


def square(length: int = 2) -> np.ndarray:
    """Two marks, each of 6 x 6 pixels, in frames of 40 x 48."""
    mask = np.zeros((length, 40, 48, 1), np.float32)
    mask[:, 8:14, 10:16] = mask[:, 24:30, 30:36] = 1
    return mask


def test_a_mask_is_artifact_inside_and_clean_elsewhere() -> None:
    mask = square()
    assert np.array_equal(hint_of(mask) == ARTIFACT, mask == 1)
    assert np.array_equal(hint_of(mask) == CLEAN, mask == 0)


@given(seed=st.integers(0, 2**32 - 1))
def test_a_hint_covers_the_overlay_and_little_else(seed: int) -> None:
    mask = square()
    hint = random_hint(mask, np.random.default_rng(seed))
    assert hint.shape == mask.shape
    assert hint.dtype == np.float32
    if not hint.any():
        return
    assert (hint[mask > 0] == ARTIFACT).all()
    around = np.s_[:, 8 - LARGEST : 30 + LARGEST, 10 - LARGEST : 36 + LARGEST]
    outside = np.ones(mask.shape, bool)
    outside[around] = False
    assert set(np.unique(hint[outside])) <= {CLEAN, UNKNOWN}
    assert len(np.unique(hint[outside])) == 1


def test_without_an_overlay_everything_is_clean_or_unknown() -> None:
    nothing = np.zeros((1, 16, 16, 1), np.float32)
    hints = [random_hint(nothing, np.random.default_rng(seed)) for seed in range(400)]
    assert {tuple(np.unique(hint)) for hint in hints} == {(CLEAN,), (UNKNOWN,)}


def test_half_of_the_clips_are_blind() -> None:
    blind = np.mean([not random_hint(square(1), np.random.default_rng(seed)).any() for seed in range(1000)])
    assert abs(blind - BLIND) < 0.05
