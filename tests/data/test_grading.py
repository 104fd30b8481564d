"""Grading changes colours and no shapes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.data.grading import SHARE, graded

RAMP = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 1, 256, 3)


@given(st.integers(0, 2**32))
def test_lighter_stays_lighter(key):
    ramp = graded(RAMP, np.random.default_rng(key)).astype(int)
    assert (np.diff(ramp, axis=2) >= 0).all()
    assert ramp[..., 0, :].max() < 60
    assert ramp[..., -1, :].min() > 170


def test_half_of_the_clips_stay_as_they_are():
    same = [(graded(RAMP, np.random.default_rng(key)) == RAMP).all() for key in range(300)]
    assert abs(np.mean(same) - (1 - SHARE)) < 0.1


def test_every_pixel_of_one_colour_gets_the_same_other_one():
    scene = np.zeros((3, 8, 8, 3), np.uint8) + np.uint8([200, 40, 90])
    changed = [graded(scene, np.random.default_rng(key)) for key in range(20)]
    assert all(len(np.unique(clip.reshape(-1, 3), axis=0)) == 1 for clip in changed)
    assert len({clip[0, 0, 0].tobytes() for clip in changed}) > 5
