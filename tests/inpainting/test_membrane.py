"""Holes in smooth places are filled like the exact membrane; texture, and all outside the holes, is the network's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.restoration import inpaint_biharmonic

from mlx_vader.inpainting.fill.membrane import fill_smooth_places, fill_with_membrane
from mlx_vader.masks.regions import MARGIN
from mlx_vader.metrics import psnr

SIZE = 48, 64


def filled(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return fill_smooth_places(picture[None], hole[None, ..., None].astype(np.float32))[0]


def membrane(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return fill_with_membrane(picture[None], hole[None, ..., None].astype(np.float32))[0]


def slope(height: int = SIZE[0], width: int = SIZE[1]) -> np.ndarray:
    """A sky: colours that change evenly across the picture."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([0.2 + x / 200, 0.5 + y / 150, 0.9 - (x + y) / 300], axis=-1)


def hole_of(*boxes: tuple[int, int, int, int], size: tuple[int, int] = SIZE) -> np.ndarray:
    hole = np.zeros(size, bool)
    for top, left, height, width in boxes:
        hole[top : top + height, left : left + width] = True
    return hole


def laplace(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The membrane by a dense solver, for holes that do not touch the border."""
    places = np.argwhere(hole)
    number = {tuple(place): index for index, place in enumerate(places)}
    matrix, right = 4 * np.eye(len(places)), np.zeros((len(places), picture.shape[-1]))
    for (y, x), row in number.items():
        for neighbour in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if neighbour in number:
                matrix[row, number[neighbour]] = -1
            else:
                right[row] += picture[neighbour]
    solved = picture.copy()
    solved[hole] = np.linalg.solve(matrix, right)
    return solved


def test_the_membrane_solves_laplaces_equation_nearly():
    random = np.random.default_rng(1)
    picture = slope() + 0.1 * np.sin(np.mgrid[: SIZE[0], : SIZE[1]][1] / 9)[..., None].astype(np.float32)
    hole = hole_of((10, 12, 14, 20), (30, 40, 3, 18)) & (random.random(SIZE) < 0.95)
    exact = laplace(picture, hole)
    spoiled = np.where(hole[..., None], np.float32(1), picture)
    assert np.abs(membrane(spoiled, hole) - exact).max() < 0.03
    assert psnr(membrane(spoiled, hole), exact) > 50


def test_a_stroke_over_a_slope_is_undone_as_well_as_by_an_inpainter():
    hole = hole_of((20, 8, 5, 48))
    spoiled = np.where(hole[..., None], np.float32(1), slope())
    theirs = inpaint_biharmonic(spoiled, hole, channel_axis=-1)
    # Theirs continues slopes and is exact here; paint, white, still counts a little in ours.
    assert np.abs(theirs - slope()).max() < 1e-3
    assert np.abs(filled(spoiled, hole) - slope()).max() < 0.02


def test_in_texture_the_network_counts():
    random = np.random.default_rng(2)
    picture = random.random((*SIZE, 3), dtype=np.float32)
    np.testing.assert_allclose(filled(picture, hole_of((20, 20, 8, 8))), picture, atol=5e-3)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 47), st.integers(0, 63), st.integers(1, 30), st.integers(1, 40)), max_size=4
    ),
    st.integers(0, 9),
)
def test_outside_the_holes_nothing_changes_and_values_stay_between(boxes, key):
    picture = np.random.default_rng(key).random((*SIZE, 3), dtype=np.float32) * np.float32(0.02) + slope()
    hole = hole_of(*boxes)
    out = filled(picture, hole)
    assert np.array_equal(out[~hole], picture[~hole])
    assert out.dtype == np.float32
    assert (out >= picture.min() - 1e-6).all()
    assert (out <= picture.max() + 1e-6).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (47, 65)])
def test_a_picture_that_is_all_hole_stays_as_it_is(size):
    picture = slope(*size)
    assert np.array_equal(filled(picture, np.ones(size, bool)), picture)


def test_holes_far_apart_are_filled_as_if_alone():
    size = (40, 200)
    spoiled = slope(*size)
    boxes = (4, 4, 6, 9), (22, 20 + 9 + 3 * MARGIN, 8, 12)
    together = filled(spoiled, hole_of(*boxes, size=size))
    for box in boxes:
        alone = hole_of(box, size=size)
        np.testing.assert_allclose(together[alone], filled(spoiled, alone)[alone], atol=5e-3)
