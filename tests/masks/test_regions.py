"""Where a mask has work: in large frames around each group of holes, however they are scattered."""

import numpy as np
import pytest

from mlx_vader.arrays import LARGE_FRAME
from mlx_vader.masks.regions import Regions, filled_holes, replace_inside
from mlx_vader.video import VideoFrame

LARGE = 2400, 4096
SMALL = 240, 400


def scattered(size):
    """Holes all over the frame: no row and no column is without one for long."""
    mask = np.zeros((*size, 1), np.float32)
    for number in range(40):
        top, left = number * size[0] // 41 + 7, (number * 17) % 40 * (size[1] // 40)
        mask[top : top + 3, left : left + 5] = 1
    return mask


def test_the_sizes_are_on_both_sides_of_the_limit():
    assert np.prod(SMALL) <= LARGE_FRAME < np.prod(LARGE)


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_each_hole_pixel_is_in_one_region(size):
    mask = scattered(size)
    covered = np.zeros(size, int)
    for region in Regions().of(mask):
        np.testing.assert_array_equal(region.hole, mask[region.box])
        covered[region.box] += region.touched & (region.hole[..., 0] > 0)
    np.testing.assert_array_equal(covered, mask[..., 0])


def test_scattered_holes_of_a_large_frame_are_worked_on_one_by_one():
    regions = Regions().of(scattered(LARGE))
    assert len(regions) == 40
    assert max(region.touched.size for region in regions) < 200**2


def test_the_replacement_is_the_same_from_many_regions_as_from_one():
    mask, random = scattered(LARGE), np.random.default_rng(3)
    frame = VideoFrame.of_rgb(np.full((*LARGE, 3), 0.5, np.float32))
    new = np.broadcast_to(random.random(3, dtype=np.float32), (*LARGE, 3))
    made = frame.edited(replace_inside(frame, new, Regions().of(mask), None)).rgb
    np.testing.assert_allclose(made[mask[..., 0] > 0], new[mask[..., 0] > 0], atol=1e-6)
    far = np.ones(LARGE, bool)
    for top, left in np.argwhere(mask[..., 0]):
        far[max(top - 8, 0) : top + 9, max(left - 8, 0) : left + 9] = False
    assert (made[far] == 0.5).all()


def test_holes_of_half_precision_are_filled():
    hole = scattered(LARGE) > 0
    frame = np.full((*LARGE, 3), 0.25, np.float16)
    patches = filled_holes(
        lambda box: frame[box.rows, box.columns], hole, lambda frames, mask, _: frames + mask
    )
    assert sum(patch.touched.sum() for patch in patches) == hole.sum()
    assert all((patch.rgb[patch.touched] == 1.25).all() for patch in patches)
