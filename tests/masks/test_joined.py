"""Several sources of masks as one."""

from itertools import islice

import numpy as np
import pytest

from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.masks.joined import JoinedMasks
from mlx_vader.process import Finding, FoundMark


class Told(ArrayMasks):
    """Masks with a finding, and a first pass of two steps."""

    def __init__(self, masks, finding, name):
        super().__init__(masks)
        self.finding, self._name, self.began_with = finding, name, None

    def analyse(self, video, kept):
        self.began_with = dict(kept)
        for step in range(len(kept) + 1, 3):
            yield {f"{self._name}{n}": np.array([n]) for n in range(1, step + 1)}


def masks_with(*places):
    masks = np.zeros((3, 8, 8, 1), np.float32)
    for frame, row, column in places:
        masks[frame, row, column] = 1
    return masks


LEFT = FoundMark((0, 0, 4, 4), 0.5, "left")
TAKEN = FoundMark((4, 4, 2, 2), 0.9, "taken")
ONE = Told(masks_with((0, 1, 1), (2, 1, 1)), Finding("undecidable", (LEFT,), "nothing moves"), "a")
OTHER = Told(masks_with((1, 5, 5), (2, 5, 5)), Finding("found", (TAKEN,)), "b")


def test_what_any_source_marks_is_marked():
    joined = list(islice(JoinedMasks([ONE, OTHER]).masks(1), 2))
    np.testing.assert_array_equal(joined, [masks_with((1, 5, 5))[1], masks_with((2, 1, 1), (2, 5, 5))[2]])


def test_masks_that_stay_are_the_same_array():
    class Still(ArrayMasks):
        def masks(self, start):
            while True:
                yield self.same

        same = np.ones((8, 8, 1), np.float32)

    first, second = islice(JoinedMasks([Still(masks_with()), Still(masks_with())]).masks(0), 2)
    assert first is second


@pytest.mark.parametrize(
    ("sources", "finding"),
    [
        ([ONE, OTHER], Finding("found", (LEFT, TAKEN))),
        (
            [ONE, Told(masks_with(), Finding("nothing"), "c")],
            Finding("undecidable", (LEFT,), "nothing moves"),
        ),
        ([Told(masks_with(), Finding("told"), "d"), OTHER], Finding("told", (TAKEN,))),
    ],
)
def test_the_finding_is_that_of_the_source_that_knows_most(sources, finding):
    assert JoinedMasks(sources).finding == finding


def test_a_first_pass_goes_on_where_it_stopped():
    kept = {}
    for kept in JoinedMasks([ONE, OTHER]).analyse(None, {}):  # noqa: B007 - the last one is wanted
        pass
    assert sorted(kept) == ["0.a1", "0.a2", "1.b1", "1.b2"]
    assert list(JoinedMasks([ONE, OTHER]).analyse(None, {n: kept[n] for n in ("0.a1", "0.a2", "1.b1")}))
    assert ONE.began_with.keys() == {"a1", "a2"}
    assert OTHER.began_with.keys() == {"b1"}
