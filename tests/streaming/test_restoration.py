"""What a network marked is filled where it is smooth, before it is written; what it could not restore is left alone."""

import numpy as np
import pytest

from mlx_vader.masks import filled
from mlx_vader.streaming.finishing import finished
from mlx_vader.streaming.results import Result
from mlx_vader.streaming.user_mask import Mark, blend

SIZE = 40, 48
HOLE = np.zeros((*SIZE, 1), np.float32)
HOLE[16:22, 10:38] = 1
FRAME = np.full((*SIZE, 3), 0.25, np.float32)
PAINTED = np.where(HOLE > 0, np.float32(0.75), FRAME)


@pytest.mark.parametrize(("probability", "smooth"), [(0.2, False), (0.4, True), (0.9, True)])
def test_blind_a_hole_is_where_the_network_says_so(probability, smooth):
    out = finished(FRAME, Result(PAINTED, probability * HOLE), None)
    np.testing.assert_allclose(out, FRAME if smooth else PAINTED, atol=1e-6)


def test_a_users_mask_takes_the_place_of_the_networks():
    mark = Mark.of(HOLE)
    out = finished(FRAME, Result(PAINTED, np.zeros_like(HOLE)), mark)
    np.testing.assert_array_equal(out, blend(FRAME, filled(PAINTED, HOLE[..., 0] > 0), mark.alpha))
    np.testing.assert_allclose(out, FRAME, atol=1e-6)


@pytest.mark.parametrize("result", [Result(PAINTED, HOLE, finite=False), Result(PAINTED, None)])
def test_without_a_mask_or_a_finite_result_the_frame_is_the_networks(result):
    assert np.array_equal(finished(FRAME, result, None), PAINTED)
