"""Decoded pictures never take more memory than they may."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.data.cache import PictureCache


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 300))
def test_it_gives_what_was_asked_for_within_its_bound(asked, limit):
    cache = PictureCache(limit)
    for name in asked:
        picture = cache.get(name, lambda name=name: np.full(10 * name, name, np.uint8))
        assert picture.tolist() == [name] * (10 * name)
        assert cache.held_bytes <= limit


def test_the_least_recently_used_goes_first():
    cache, made = PictureCache(20), []

    def get(name):
        cache.get(name, lambda: made.append(name) or np.zeros(10, np.uint8))

    for name in "abacab":
        get(name)
    assert made == ["a", "b", "c", "b"]


def test_what_is_larger_than_the_bound_drives_nothing_out():
    cache = PictureCache(20)
    cache.get("small", lambda: np.zeros(10, np.uint8))
    cache.get("large", lambda: np.zeros(30, np.uint8))
    assert cache.held_bytes == 10
