"""The camera moves, smoothly and not too far."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_vader.data import camera
from mlx_vader.data.camera import camera_path, pan

keys = st.integers(0, 2**63)
lengths = st.integers(1, 40)


@given(keys, lengths, st.sampled_from([64, 128, 256]))
def test_a_pan_is_bounded_per_frame_and_in_total(key, length, size):
    travel = pan(np.random.default_rng(key), length, size)
    steps = np.linalg.norm(np.diff(travel, axis=0), axis=1)
    assert np.all(steps <= camera.PAN_PER_FRAME * size + 1e-9)
    assert steps.sum() <= camera.PAN_TOTAL * size + 1e-9


@given(keys, lengths)
def test_zoom_and_rotation_are_bounded_per_frame_and_in_total(key, length):
    path = camera_path(np.random.default_rng(key), length, 128)
    assert np.ptp(np.log(path.zoom)) <= camera.ZOOM_TOTAL
    assert np.all(np.abs(np.diff(np.log(path.zoom))) <= camera.ZOOM_PER_FRAME + 1e-9)
    assert np.ptp(path.angle) <= camera.TURN_TOTAL + 4 * camera.SHAKE_TURN
    assert np.all(np.abs(np.diff(path.angle)) <= camera.TURN_PER_FRAME + 4 * camera.SHAKE_TURN)


def test_most_cameras_move_and_some_stand_still():
    paths = [camera_path(np.random.default_rng(key), 6, 128) for key in range(300)]
    still = sum(not path.offset.any() for path in paths)
    assert 70 <= still <= 140


def test_a_still_camera_maps_the_picture_onto_itself():
    path = camera.CameraPath(np.zeros((2, 2)), np.ones(2), np.zeros(2))
    np.testing.assert_array_equal(path.matrices(), np.tile(np.eye(2, 3), (2, 1, 1)))
