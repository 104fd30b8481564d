"""Boxes and polygons as text: what they mark, when, and what is refused."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_vader.errors import UsageError
from mlx_vader.masks.shapes import ShapeMasks, parse_shapes


@dataclass
class Video:
    """A tenth of a second a frame."""

    height: int = 48
    width: int = 64
    frames: int = 20
    fields: bool = False
    top_first: bool = True

    def read(self, start, stop):
        raise AssertionError("shapes need not look at the video")


def shapes(box=(), polygon=(), video=Video()):  # noqa: B008 - it is never changed
    source = ShapeMasks(parse_shapes(box, polygon), lambda seconds: int(10 * seconds))
    assert list(source.analyse(video, {})) == []
    assert source.finding.status == "told"
    return source


def masks(box=(), polygon=(), count=20, start=0, video=Video()):  # noqa: B008
    return list(islice(shapes(box, polygon, video).masks(start), count))


def box_of(mask):
    """x, y, width, height of what is marked; None where nothing is."""
    rows, columns = np.nonzero(mask[..., 0])
    if not len(rows):
        return None
    return int(columns.min()), int(rows.min()), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def test_a_box_is_marked_all_the_time_and_exactly():
    made = masks("10,20,8,6", count=3)
    assert box_of(made[0]) == (10, 20, 8, 6)
    assert made[0].sum() == 48
    assert made[0].dtype == np.float32
    assert all(mask is made[0] for mask in made)


def test_percent_are_shares_of_the_frame():
    assert box_of(masks("50%,25%,25%,12.5%", count=1)[0]) == (32, 12, 16, 6)
    assert box_of(masks("50%,6,4,50%", count=1)[0]) == (32, 6, 4, 24)


def test_several_shapes_are_all_marked():
    (mask,) = masks(["0,0,4,4", "60,44,4,4"], "20,20,30,20,20,30", count=1)
    assert mask[0, 0]
    assert mask[47, 63]
    assert mask[22, 22]
    assert not mask[29, 29]


def test_keyframes_are_interpolated_and_hold_before_and_after():
    made = masks(["10,10,8,6@4", "30,20,8,6@14"])
    assert [box_of(mask)[0] for mask in made] == [10] * 5 + list(range(12, 30, 2)) + [30] * 6
    assert box_of(made[9]) == (20, 15, 8, 6)
    assert made[0] is made[3]


def test_keyframes_of_a_polygon_move_each_point():
    made = masks(polygon=["10,10,20,10,20,20,10,20@0", "10,10,40,10,40,20,10,20@10"])
    assert box_of(made[0]) == (10, 10, 11, 11)
    assert box_of(made[5]) == (10, 10, 21, 11)


def test_seconds_are_times_too():
    assert [box_of(mask)[0] for mask in masks(["0,0,4,4@0s", "10,0,4,4@1s"])][:11] == list(range(11))


def test_a_span_is_marked_only_then():
    made = masks("10,10,8,6@3-5")
    assert [bool(mask.any()) for mask in made[:8]] == [False] * 3 + [True] * 3 + [False] * 2


def test_a_time_that_is_not_later_begins_another_shape():
    made = masks(["40,0,4,4@10", "50,0,4,4@15", "0,0,4,4@0", "5,0,4,4@5"])
    assert box_of(made[0]) == (0, 0, 44, 4)
    assert box_of(made[19]) == (5, 0, 49, 4)


def test_masks_begin_at_any_frame():
    box = ["10,10,8,6@4", "30,20,8,6@14"]
    later = masks(box, count=13, start=7)
    assert all(np.array_equal(*pair) for pair in zip(masks(box)[7:], later, strict=True))


@pytest.mark.parametrize("top_first", [True, False])
def test_fields_get_their_own_lines_and_times(top_first):
    video = Video(height=24, frames=40, fields=True, top_first=top_first)
    upper, lower = masks("10,11,8,1", count=2, video=video)[:: 1 if top_first else -1]
    assert not upper.any()
    assert box_of(lower) == (10, 5, 8, 1)
    made = masks(["0,0,4,4@0", "20,0,4,4@10"], count=4, video=video)
    assert [box_of(mask)[0] for mask in made] == [0, 1, 2, 3]


def test_the_finding_tells_each_shape_and_when_it_is_there():
    found = shapes(["10,20,8,6@3-5", "60,40,20,20"]).finding.marks
    assert [(mark.kind, mark.box, mark.first, mark.last) for mark in found] == [
        ("box", (10, 20, 8, 6), 3, 5),
        ("box", (60, 40, 4, 8), 0, None),
    ]


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ("64,0,10,10", "64x48"),
        ("10,48,10,10", "64x48"),
        ("-20,5,10,10", "64x48"),
        ("1,1,4,4@20", "20 frames, 0 to 19"),
        ("1,1,4,4@9s", "20 frames"),
        ("1,1,4,4@5-3", "@60-90"),
        ("1,1,4", "x,y,width,height"),
        ("1,1,4,4,", "x,y,width,height"),
        ("1,1,a,4", "x,y,width,height"),
        ("1,1,0,4", "x,y,width,height"),
        ("1,1,4,4@", "@2.5s"),
        ("1,1,4,4@x", "@2.5s"),
        ("1,1,4,4@-3", "@2.5s"),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(box, said):
    with pytest.raises(UsageError) as error:
        masks(box, count=1)
    assert box.split("@")[0] in error.value.message
    assert said in error.value.hint


@pytest.mark.parametrize("polygon", ["1,1,2,2", "1,1,2,2,3", "70,0,80,0,80,9"])
def test_what_is_no_polygon_is_refused(polygon):
    with pytest.raises(UsageError):
        masks(polygon=polygon, count=1)


def test_keyframes_of_polygons_have_as_many_points():
    with pytest.raises(UsageError, match="as many points"):
        parse_shapes((), ["0,0,9,0,9,9@0", "0,0,9,0,9,9,0,9@5"])


def test_a_box_that_enters_the_frame_later_is_none_outside():
    made = masks(["-10,10,8,6@0", "10,10,8,6@10"])
    assert not made[0].any()
    assert box_of(made[5]) == (0, 10, 8, 6)


@settings(max_examples=50, deadline=None)
@given(st.integers(-80, 80), st.integers(-80, 80), st.integers(1, 90), st.integers(1, 90))
def test_any_box_is_marked_as_far_as_it_lies_in_the_frame(x, y, width, height):
    expected = np.zeros((48, 64), np.float32)
    expected[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = 1
    if expected.any():
        assert np.array_equal(masks(f"{x},{y},{width},{height}", count=1)[0][..., 0], expected)
    else:
        with pytest.raises(UsageError):
            masks(f"{x},{y},{width},{height}", count=1)
