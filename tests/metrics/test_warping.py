"""The warping error where the motion is known, against formulas written down again, and on a real clip."""

from itertools import islice, pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from skimage.data import astronaut

from mlx_vader.errors import VaderError
from mlx_vader.metrics import Motion, hole_warping_error, motion_of, warping_error

PICTURE = astronaut().astype(np.float32) / 255


def _pan(right, down, frames=4, size=96):
    """A camera over a photograph, whole pixels a frame: what is seen moves to the left and up."""
    return np.stack(
        [
            PICTURE[80 + down * t : 80 + down * t + size, 120 + right * t : 120 + right * t + size]
            for t in range(frames)
        ]
    )


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3, 0), (0, 2), (5, -4)])
def test_a_pan_flows_as_the_camera_says_and_has_no_error(right, down):
    clip = _pan(right, down)
    motion = motion_of(clip)
    middle = motion.flow[:, 24:-24, 24:-24]
    assert np.median(np.abs(middle - (-right, -down))) < 0.05
    assert motion.valid[:, 24:-24, 24:-24].mean() > 0.75
    assert warping_error(clip, motion) < 2e-4


def test_the_error_of_a_frozen_clip_along_the_motion_is_large():
    clip = _pan(4, 0)
    motion = motion_of(clip)
    frozen = np.repeat(clip[:1], len(clip), axis=0)
    assert warping_error(frozen, motion) > 20 * warping_error(clip, motion)


def test_flicker_is_measured_exactly():
    """A still clip whose every other frame is brighter by 0.1: (0.1)², three times."""
    clip = 0.8 * np.repeat(PICTURE[None, 100:164, 100:164], 5, axis=0)
    motion = motion_of(clip)
    assert motion.valid.all()
    flickering = clip + np.float32(0.1) * (np.arange(5) % 2)[:, None, None, None].astype(np.float32)
    assert warping_error(flickering, motion) == pytest.approx(3 * 0.1**2, rel=1e-5)


def test_pixels_that_leave_the_frame_are_not_valid():
    motion = motion_of(_pan(8, 0))
    assert not motion.valid[:, :, :4].any()


def test_a_background_that_gets_covered_is_not_valid():
    """A textured square moves over a still picture: what it comes to hide has no counterpart in the next frame."""
    still = PICTURE[200:328, 200:328]
    square = PICTURE[:40, :40]
    clip = np.stack([still.copy() for _ in range(3)])
    for t, frame in enumerate(clip):
        frame[40:80, 30 + 8 * t : 70 + 8 * t] = square
    motion = motion_of(clip)
    covered, far = motion.valid[0, 44:76, 70:78], motion.valid[0, 100:120, 10:120]
    assert covered.mean() < 0.2
    assert far.mean() > 0.95


def any_flow(seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray]:
    """A small clip, and flow from each of its frames to anywhere."""
    rng = np.random.default_rng(seed)
    clip = rng.random((4, 17, 23, 3), np.float32)
    return rng, clip, rng.normal(0, 3, (3, 17, 23, 2)).astype(np.float32)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_error_equals_its_formula(seed):
    """Any flow, any mask, against SciPy's bilinear sampling, pixel by pixel."""
    rng, clip, flow = any_flow(seed)
    valid = rng.random((3, 17, 23)) < 0.4
    valid[rng.integers(3)] = False
    rows, columns = np.mgrid[:17, :23]
    pairs = []
    for (here, there), f, seen in zip(pairwise(clip), flow, valid, strict=True):
        place = [rows + f[..., 1], columns + f[..., 0]]
        warped = [map_coordinates(there[..., c], place, order=1, mode="nearest") for c in range(3)]
        if seen.any():
            pairs.append(((here - np.stack(warped, -1)) ** 2).sum(-1)[seen].mean())
    assert warping_error(clip, Motion(flow, valid)) == pytest.approx(np.mean(pairs), rel=1e-4)


def test_noise_raises_the_error_of_a_real_clip(carphone):
    with av.open(carphone) as container:
        frames = islice(container.decode(video=0), 6)
        clip = np.stack([frame.to_ndarray(format="rgb24") for frame in frames]).astype(np.float32) / 255
    motion = motion_of(clip)
    assert motion.valid.mean() > 0.8
    noise = np.random.default_rng(0).normal(0, 0.05, clip.shape).astype(np.float32)
    # Both frames' noise counts; bilinear sampling takes some of the second's away.
    added = warping_error(clip + noise, motion) - warping_error(clip, motion)
    assert 3 * 0.05**2 < added < 6 * 0.05**2


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_error_in_a_hole_is_one_mean_over_what_both_frames_mask(seed):
    """Σ_t Σ_Ωt ‖…‖² / Σ_t |Ωt|, whatever moves, with SciPy's sampling."""
    rng, clip, flow = any_flow(seed)
    valid = rng.random((3, 17, 23)) < 0.9
    mask = (rng.random((4, 17, 23, 1)) < 0.4).astype(np.float32)
    rows, columns = np.mgrid[:17, :23]
    total = count = 0
    for t in range(3):
        place = [rows + flow[t, ..., 1], columns + flow[t, ..., 0]]
        warped = [map_coordinates(clip[t + 1, ..., c], place, order=1, mode="nearest") for c in range(3)]
        omega = (mask[t, ..., 0] * mask[t + 1, ..., 0] > 0) & valid[t]
        total += (np.square(clip[t] - np.stack(warped, -1)).sum(-1) * omega).sum()
        count += omega.sum()
    assert hole_warping_error(clip, Motion(flow, valid), mask) == pytest.approx(total / count, rel=1e-4)


def test_a_hole_in_one_frame_alone_has_no_error():
    clip = _pan(2, 0)
    mask = np.zeros((*clip.shape[:3], 1), np.float32)
    mask[1] = 1
    assert np.isnan(hole_warping_error(clip, motion_of(clip), mask))


def test_one_frame_has_no_warping_error():
    clip = PICTURE[None, :32, :32]
    assert np.isnan(warping_error(clip, motion_of(clip)))
    assert np.isnan(hole_warping_error(clip, motion_of(clip), np.ones((1, 32, 32, 1))))


def test_a_clip_of_another_size_is_refused():
    motion = motion_of(_pan(0, 0))
    with pytest.raises(ValueError, match="does not belong"):
        warping_error(_pan(0, 0, frames=5), motion)


def test_frames_too_small_for_the_flow_are_refused():
    with pytest.raises(VaderError, match="16x16, not 40x15"):
        motion_of(np.zeros((2, 15, 40, 3), np.float32))
    assert motion_of(np.zeros((2, 16, 40, 3), np.float32)).valid.all()
