"""What is done to masks: growth, holes, hysteresis, soft edges, smoothing over time."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlx_vader.masks.postprocess import ChangedMasks, grown, hysteresis, smoothed, softened, without_holes
from mlx_vader.process import Finding

SIZE = 15, 18
some_masks = arrays(np.float32, (*SIZE, 1), elements=st.sampled_from([0.0, 0.0, 0.0, 1.0]).map(np.float32))
#: Over time each pixel is by itself: a few show all that there is.
few_pixels = arrays(np.float32, (3, 4, 1), elements=st.sampled_from([0.0, 1.0]).map(np.float32))
some_values = arrays(np.float32, (*SIZE, 1), elements=st.floats(0, 1, width=32))
quick = settings(max_examples=60, deadline=None)


def point(row, column):
    mask = np.zeros((*SIZE, 1), np.float32)
    mask[row, column] = 1
    return mask


@quick
@given(some_masks, st.floats(0, 6), st.floats(0, 6))
def test_growth_is_extensive_and_monotone(mask, one, other):
    small, large = sorted((one, other))
    assert (grown(mask, small) >= mask).all()
    assert (grown(mask, large) >= grown(mask, small)).all()


@quick
@given(some_masks, some_masks, st.floats(0, 6))
def test_growth_keeps_order_and_goes_with_unions(one, other, pixels):
    both = grown(np.maximum(one, other), pixels)
    assert np.array_equal(both, np.maximum(grown(one, pixels), grown(other, pixels)))


@pytest.mark.parametrize("pixels", [0, 1, 2.5, 4])
def test_a_point_grows_to_a_disc(pixels):
    rows, columns = np.ogrid[: SIZE[0], : SIZE[1]]
    disc = (rows - 7) ** 2 + (columns - 9) ** 2 <= pixels**2
    assert np.array_equal(grown(point(7, 9), pixels)[..., 0], disc.astype(np.float32))


def test_nothing_grows_to_nothing():
    assert not grown(np.zeros((*SIZE, 1), np.float32), 5).any()


@quick
@given(some_masks, st.integers(0, 40))
def test_filling_holes_is_extensive_and_done_after_once(mask, most):
    filled = without_holes(mask, most)
    assert (filled >= mask).all()
    assert np.array_equal(without_holes(filled, most), filled)


def test_small_holes_are_filled_and_large_ones_and_bays_are_not():
    mask = np.zeros((*SIZE, 1), np.float32)
    mask[2:9, 2:9] = 1
    mask[4:6, 4:6] = 0
    mask[10:13, 0:4] = 1
    mask[11, 0:3] = 0  # open to the border
    assert without_holes(mask, 4)[4:6, 4:6].all()
    assert not without_holes(mask, 3)[4:6, 4:6].any()
    assert not without_holes(mask, 100)[11, 0:3].any()


@quick
@given(some_values, st.floats(0, 1), st.floats(0, 1))
def test_hysteresis_lies_between_its_thresholds(values, one, other):
    low, high = sorted((one, other))
    found = hysteresis(values, low, high)
    assert (found <= (values > low)).all()
    assert (found >= (values > high)).all()


def test_what_hangs_together_with_something_sure_is_taken():
    values = np.zeros((*SIZE, 1), np.float32)
    values[3, 3:8] = 0.4
    values[4, 8] = 0.9  # touches at a corner
    values[10, 3:8] = 0.4
    found = hysteresis(values, 0.3, 0.5)
    assert found[3, 3:8].all()
    assert not found[10].any()


@quick
@given(some_masks, st.floats(0.3, 4))
def test_soft_edges_stay_in_range_and_keep_what_is_even(mask, pixels):
    soft = softened(mask, pixels)
    assert soft.min() >= 0
    assert soft.max() <= 1
    for value in (0, 1):
        even = np.full_like(mask, value)
        assert np.allclose(softened(even, pixels), even, atol=1e-6)


def test_a_straight_edge_stays_where_it_is():
    mask = np.zeros((40, 40, 1), np.float32)
    mask[:, 20:] = 1
    assert np.array_equal(softened(mask, 3) > 0.5, mask > 0.5)


@quick
@given(some_masks, st.integers(1, 5), st.integers(1, 12))
def test_smoothing_keeps_what_is_constant_even_the_array(mask, frames, length):
    made = list(smoothed([mask] * length, frames))
    assert len(made) == length
    assert all(smooth is mask for smooth in made)


@quick
@given(st.lists(few_pixels, min_size=1, max_size=9), st.integers(0, 5))
def test_smoothing_gives_a_mask_for_each_and_stays_in_range(masks, frames):
    made = list(smoothed(iter(masks), frames))
    assert len(made) == len(masks)
    assert all((smooth >= 0).all() and (smooth <= 1 + 1e-6).all() for smooth in made)


@quick
@given(st.lists(few_pixels, min_size=1, max_size=9), st.integers(1, 5))
def test_smoothing_is_the_same_backwards(masks, frames):
    forward, backward = list(smoothed(masks, frames)), list(smoothed(masks[::-1], frames))
    assert all(np.allclose(*pair, atol=1e-6) for pair in zip(forward, backward[::-1], strict=True))


def test_a_flash_and_a_gap_of_one_frame_vanish():
    nothing, mark = np.zeros((*SIZE, 1), np.float32), point(7, 9)
    flash = [nothing] * 5 + [mark] + [nothing] * 5
    gap = [mark] * 5 + [nothing] + [mark] * 5
    assert not any((mask > 0.5).any() for mask in smoothed(flash, 2))
    assert all((mask > 0.5).any() for mask in smoothed(gap, 2))


class Turns:
    """Masks that change every other frame."""

    finding = Finding("told")

    def identity(self):
        return {"mask": "turns"}

    def analyse(self, video, kept):
        return iter(())

    def masks(self, start):
        pair = point(7, 9), point(3, 3)
        for number in range(start, 20):
            yield pair[number // 2 % 2]


class Video:
    fields = False


def test_a_changed_source_says_so_and_gives_the_same_array_for_the_same():
    source = ChangedMasks(Turns(), lambda mask: grown(mask, 2), "grown 2")
    list(source.analyse(Video(), {}))
    made = list(islice(source.masks(0), 4))
    assert made[0] is made[1]
    assert made[2] is made[3]
    assert np.array_equal(made[0], grown(point(7, 9), 2))
    assert source.finding.status == "told"
    assert source.identity() != Turns().identity()


def test_in_fields_a_disc_is_half_as_high():
    video = Video()
    video.fields = True
    source = ChangedMasks(Turns(), lambda mask: grown(mask, 4), "grown 4")
    list(source.analyse(video, {}))
    rows, columns, _ = np.nonzero(next(source.masks(0)))
    assert np.ptp(columns) == 8
    assert np.ptp(rows) == 4
