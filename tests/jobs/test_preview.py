"""Three labelled panels of a size that every encoder takes."""

import numpy as np
import pytest

from mlx_vader.jobs.preview import MOST_WIDTH, middle_panel, panel_size, panels


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (48, 58), (720, 1280), (1081, 1923)])
def test_previews_are_even_and_not_too_wide(shape):
    width, height = panel_size(shape[1], shape[0])
    assert width % 2 == 0
    assert height % 2 == 0
    assert width <= MOST_WIDTH + 1


def test_the_panels_stand_side_by_side_under_their_labels():
    before, after = np.full((60, 100, 3), 0.25, np.float32), np.full((60, 100, 3), 0.75, np.float32)
    mask = np.ones((60, 100, 1), np.float32)
    shown = panels(before, mask, after)
    labels, row = shown[:-60], shown[-60:]
    assert [float(row[30, x, 0]) for x in (50, 150, 250)] == [0.25, 1.0, 0.75]
    assert all(labels[:, x : x + 100].max() > 0.5 for x in (0, 100, 200))


def test_without_a_mask_the_change_is_shown():
    before, after = np.full((20, 40, 3), 0.5, np.float32), np.full((20, 40, 3), 0.6, np.float32)
    assert panels(before, None, after)[-1, 60, 0] == pytest.approx(0.4, abs=1e-5)


@pytest.mark.parametrize("shape", [(144, 176), (45, 51), (360, 840)])
def test_the_mask_comes_out_of_a_preview_again(shape):
    frame = np.full((*shape, 3), 0.5, np.float32)
    mask = np.zeros((*shape, 1), np.float32)
    mask[: shape[0] // 2, : shape[1] // 4] = 1
    seen = middle_panel(panels(frame, mask, frame), *shape)
    assert seen.shape == frame.shape
    assert ((seen.mean(axis=-1) > 0.5) != (mask[..., 0] > 0.5)).mean() < 0.02
