"""The picture of what may be marks, and the choice among them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.errors import UsageError
from mlx_vader.jobs.candidates import parse_numbers, shown_at
from mlx_vader.jobs.overlay import LEFT, TAKEN, numbered
from mlx_vader.process import FoundMark

BLACK = np.zeros((180, 320, 3), np.uint8)


@given(st.lists(st.integers(1, 99), min_size=1))
def test_numbers_are_read_as_they_are_written(numbers):
    assert parse_numbers(", ".join(map(str, numbers))) == tuple(dict.fromkeys(numbers))


@pytest.mark.parametrize("text", ["", "0", "a", "1;2", "-1", "1,,2", "1.5"])
def test_another_text_is_refused(text):
    with pytest.raises(UsageError, match="no list of numbers"):
        parse_numbers(text)


@pytest.mark.parametrize(("treated", "colour"), [("left", LEFT), ("fill", TAKEN)])
def test_a_box_lies_around_its_mark_and_not_on_it(treated, colour):
    picture = numbered(BLACK, [(1, FoundMark((100, 60, 40, 20), 0.9, treated))])
    assert not picture[60:80, 100:140].any()
    assert (picture[59, 100:140] == colour).all()
    assert (picture[60:80, 99] == colour).all()
    assert not BLACK.any()


@given(st.integers(0, 310), st.integers(0, 170), st.integers(1, 320), st.integers(1, 180))
def test_a_mark_anywhere_can_be_drawn(x, y, width, height):
    picture = numbered(BLACK, [(1, FoundMark((x, y, width, height), 0.9, "left"))])
    assert (picture == LEFT).all(axis=-1).any()


@pytest.mark.parametrize(
    ("spans", "number"),
    [
        ([(0, None)], 49),
        ([(0, 10), (5, 20)], 5),
        ([(90, None)], 90),
        ([(0, None), (10, 20)], 10),
        ([(0, 0)], 0),
    ],
)
def test_the_frame_is_one_that_shows_most(spans, number):
    marks = [FoundMark((0, 0, 9, 9), 0.9, "left", first=first, last=last) for first, last in spans]
    assert shown_at(marks, 100) == number
