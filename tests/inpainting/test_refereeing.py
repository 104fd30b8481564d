"""Fills are tried on copies of the hole beside it."""

import numpy as np
import pytest

from mlx_vader.inpainting.propagation.sham import sham_of
from mlx_vader.inpainting.refereeing import best_fill
from mlx_vader.masks.arrays import ArrayMasks
from mlx_vader.video.in_memory import ClipInMemory
from tests.inpainting.test_unblend import scene


def masks_with(hole, clip):
    masks = np.zeros((*clip.shape[:3], 1), np.float32)
    masks[(slice(None), *hole)] = 1
    return ArrayMasks(masks)


@pytest.mark.parametrize(
    "names", [("membrane", "network"), ("network", "membrane"), ("telea", "network", "ns")]
)
def test_the_fill_that_misses_least_is_taken(names):
    """The fill "network" leaves pixels as they are: beside the hole, the truth."""
    clip = scene(4)
    masks = masks_with(np.s_[60:80, 60:90], clip)
    assert names[best_fill(ClipInMemory(clip), masks, names)] == "network"


@pytest.mark.parametrize("hole", [np.s_[:0, :0], np.s_[:, :]])
def test_the_first_is_taken_where_nothing_tells(hole):
    clip = scene(2)
    assert best_fill(ClipInMemory(clip), masks_with(hole, clip), ("membrane", "network")) == 0


def test_a_sham_has_the_shape_of_the_hole_and_lies_beside_it():
    hole = np.zeros((80, 120), bool)
    hole[30:36, 40:70] = True
    hidden = np.zeros_like(hole)
    hidden[28:38, 38:72] = True
    sham = sham_of(hole, hidden)
    assert sham.sum() == hole.sum()
    assert not (sham & hidden).any()
    shift = np.argwhere(sham)[0] - np.argwhere(hole)[0]
    assert np.array_equal(np.argwhere(sham), np.argwhere(hole) + shift)


def test_there_is_none_without_room():
    hole = np.zeros((40, 40), bool)
    hole[2:38, 2:38] = True
    assert sham_of(hole, hole) is None
