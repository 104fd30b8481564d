"""What people type for `--shapes`, and what they are told when it does not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.shapes import Shapes, Size, nearest, parse_shapes, parse_size, squares_that_are_heights
from mlx_vader.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("256", Size(256, 256)),
        ("512x288", Size(512, 288)),
        (" 288X512 ", Size(288, 512)),
        ("720p", Size(720, 1280)),
        ("1080p", Size(1080, 1920)),
        ("480p", Size(480, 854)),
    ],
)
def test_size(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "256x", "x256", "1.5", "-8", "256x256x3", "0", "0x8", "p"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError):
        parse_size(text)


def test_one_size_is_fixed():
    assert parse_shapes("512", 8) == Shapes("fixed", (Size(512, 512),))
    assert parse_shapes(["512", "512x512"], 8).kind == "fixed"


def test_several_sizes_are_enumerated_in_the_order_given():
    shapes = parse_shapes("256,512,720p", 8)
    assert shapes == parse_shapes(("256", "512", "720p"), 8)
    assert shapes.kind == "enumerated"
    assert [str(size) for size in shapes.sizes] == ["256x256", "512x512", "720x1280"]


def test_the_largest_enumerated_size_is_the_default():
    assert parse_shapes("720p,256", 8).default == Size(720, 1280)


def test_range_bounds_height_and_width_apart():
    assert parse_shapes("range:256-720p", 8) == Shapes("range", (Size(256, 256), Size(720, 1280)))


@pytest.mark.parametrize(
    ("text", "default"),
    [("range:256-1280", Size(720, 1280)), ("range:64-512", Size(512, 512)), ("range:64-64", Size(64, 64))],
)
def test_default_of_a_range(text, default):
    assert parse_shapes(text, 8).default == default


@pytest.mark.parametrize(
    "text", [",", "range:256", "range:256-", "range:512-256", "range:256-512,720p", "range:a-b", "256;512"]
)
def test_bad_shapes_are_refused_with_a_hint(text):
    with pytest.raises(UsageError) as caught:
        parse_shapes(text, 8)
    assert caught.value.hint


def test_a_size_off_the_stride_is_told_the_nearest():
    with pytest.raises(UsageError, match="multiples of 8") as caught:
        parse_shapes("480p", 8)
    assert "480x856" in caught.value.hint


def test_more_sizes_than_core_ml_takes_are_refused():
    with pytest.raises(UsageError, match="128"):
        parse_shapes([str(8 * n) for n in range(1, 130)], 8)


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([1, 2, 8, 16, 32]))
def test_nearest_fits_and_is_nearest(height, width, stride):
    fit = nearest(Size(height, width), stride)
    for side, wanted in zip(fit, (height, width), strict=True):
        assert side % stride == 0
        assert side > 0
        assert abs(side - wanted) <= max(stride / 2, stride - wanted)


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=8))
def test_shapes_print_as_what_they_are_read_from(sides):
    shapes = parse_shapes([f"{8 * h}x{8 * w}" for h, w in sides], 8)
    assert parse_shapes(str(shapes), 8) == shapes


def test_a_square_that_a_video_may_have_been_meant_by_is_named():
    assert squares_that_are_heights("720") == ["720 is a square, 720x720; 720p is 720x1280"]
    assert len(squares_that_are_heights("256, 480,range:720-1080")) == 3
    assert squares_that_are_heights("256,720p,720x720,range:256-1280") == []
