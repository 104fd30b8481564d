"""Marks that a user chose by their numbers."""

from itertools import islice

import numpy as np
import pytest

from mlx_vader.errors import UsageError
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.masks.chosen import ChosenMarks
from mlx_vader.masks.joined import JoinedMasks
from mlx_vader.process import Finding, FoundMark


class Found(ArrayMasks):
    """A source that found a mark in each of the rows, and believes in none."""

    def __init__(self, *rows):
        super().__init__(np.zeros((1, 8, 8, 1), np.float32))
        self.rows = rows
        marks = tuple(FoundMark((0, row, 8, 1), 0.9, "left") for row in rows)
        self.finding = Finding("undecidable", marks, "nothing moves")

    def choose(self, numbers):
        self._masks = np.zeros((1, 8, 8, 1), np.float32)
        for number in numbers:
            self._masks[0, self.rows[number]] = 1


def chosen(source, *numbers):
    marks = ChosenMarks(source, numbers)
    assert list(marks.analyse(None, {})) == []
    (mask,) = islice(marks.masks(0), 1)
    return marks.finding, sorted(set(np.nonzero(mask)[0]))


def test_exactly_the_chosen_marks_are_taken():
    finding, rows = chosen(Found(1, 3, 5), 3, 1)
    assert finding.status == "found"
    assert [mark.treated for mark in finding.marks] == ["taken", "left", "taken"]
    assert rows == [1, 5]


def test_numbers_go_on_from_one_source_to_the_next():
    finding, rows = chosen(JoinedMasks([Found(1, 2), Found(6)]), 2, 3)
    assert [mark.treated for mark in finding.marks] == ["left", "taken", "taken"]
    assert rows == [2, 6]


@pytest.mark.parametrize(("source", "said"), [(Found(1), "no mark 2: 1 was"), (Found(), "no mark 2: none")])
def test_a_number_that_no_mark_has_is_refused(source, said):
    with pytest.raises(UsageError, match=said):
        chosen(source, 2)


def test_other_numbers_make_another_job():
    source = Found(1, 2)
    source.identity = lambda: {"mask": "found"}
    assert ChosenMarks(source, [1]).identity() != ChosenMarks(source, [2]).identity()
