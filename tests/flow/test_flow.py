"""Flow between pictures: found, carried through holes, and refused where the pictures show different scenes."""

import numpy as np
import pytest

from mlx_vader.errors import UsageError
from mlx_vader.flow import FLOWS, find_flow
from mlx_vader.flow.pairs import flow_between
from mlx_vader.warping import sampled, warp
from tests.inpainting.test_unblend import scene

SHIFT = 5
NO_HOLE = np.zeros((144, 160), bool)


def greys(shift: int = SHIFT) -> tuple[np.ndarray, np.ndarray]:
    """Two views of one texture, of which the second shows it `shift` pixels further left."""
    grey = np.rint(255 * scene(1)[0].mean(axis=-1)).astype(np.uint8)
    return grey[:, :160].copy(), grey[:, shift : 160 + shift].copy()


@pytest.mark.parametrize("name", FLOWS)
def test_a_shift_is_found_both_ways(name):
    pair = flow_between(*greys(), NO_HOLE, NO_HOLE, find_flow(name), complete=False)
    inner = slice(20, -20)
    assert np.abs(pair.there[inner, inner] - (-SHIFT, 0)).mean() < 0.3
    assert np.abs(pair.back[inner, inner] - (SHIFT, 0)).mean() < 0.3


def test_it_is_carried_through_a_hole_that_shows_something_else():
    first, second = greys()
    hole = NO_HOLE.copy()
    hole[50:90, 60:100] = True
    for grey in (first, second):
        grey[hole] = np.random.default_rng(1).integers(0, 255, hole.sum())
    pair = flow_between(first, second, hole, hole, find_flow("dis"), complete=True)
    assert np.abs(pair.there[hole] - (-SHIFT, 0)).mean() < 0.5


def test_there_is_none_between_different_scenes():
    first, second = greys()
    other = 255 - second[::-1]
    assert flow_between(first, other, NO_HOLE, NO_HOLE, find_flow("dis"), complete=True) is None


def test_there_is_none_where_all_is_hidden_or_too_small():
    first, second = greys()
    everything = np.ones_like(NO_HOLE)
    assert flow_between(first, second, everything, NO_HOLE, find_flow("dis"), complete=True) is None
    small = first[:12], second[:12], NO_HOLE[:12], NO_HOLE[:12]
    assert flow_between(*small, find_flow("dis"), complete=True) is None


def test_an_unknown_flow_is_named():
    with pytest.raises(UsageError, match="raft-smal"):
        find_flow("raft-smal")


def test_places_are_sampled_however_many_there_are():
    image = np.arange(300 * 200, dtype=np.float32).reshape(300, 200)
    places = np.stack(np.meshgrid(np.arange(200), np.arange(300)), axis=-1).reshape(-1, 2).astype(np.float32)
    assert np.array_equal(sampled(image, places), image.reshape(-1))
    assert sampled(image, np.zeros((0, 2), np.float32)).shape == (0,)
    flow = np.broadcast_to(np.float32([3, -2]), (300, 200, 2))
    assert np.array_equal(warp(image, flow)[2:, :-3], image[:-2, 3:])
