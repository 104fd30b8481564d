"""Rectangles of pixels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.boxes import Box


@given(st.integers(0, 6), st.integers(0, 8), st.integers(1, 5), st.integers(1, 4))
def test_the_box_around_pixels_is_the_smallest(top, left, height, width):
    pixels = np.zeros((12, 12), bool)
    # Two corners are enough to tell it.
    pixels[top, left] = pixels[top + height - 1, left + width - 1] = True
    around = Box.around(pixels)
    assert around == Box(top, left, height, width)
    assert around.xywh == (left, top, width, height)
