"""What holds for each of the thirteen, whatever the size, the length and the key."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_vader.artifacts import ARTIFACTS, GROUPS, apply
from mlx_vader.errors import UsageError

SEED_NAMES = [
    "corner_logo",
    "text_overlay",
    "tiled_pattern",
    "moving_logo",
    "channel_logo",
    "diagonal_text",
    "jpeg_compression",
    "video_compression",
    "gaussian_noise",
    "salt_pepper_noise",
    "film_grain",
    "color_banding",
    "blur",
]

keys = st.integers(0, 2**63 - 1)
severities = st.floats(0, 1)
vocabularies = st.sampled_from(["train", "val"])


def gradient(length: int, height: int, width: int) -> np.ndarray:
    """A smooth colour scene that moves, between 0.1 and 0.9."""
    time, y, x = np.mgrid[:length, :height, :width].astype(np.float32)
    waves = [np.sin(x / 9 + time / 3), np.cos(y / 11 - time / 4), np.sin((x + y) / 15)]
    return (0.5 + 0.4 * np.stack(waves, -1)).astype(np.float32)


def test_there_are_the_thirteen_of_the_specification() -> None:
    assert list(ARTIFACTS) == SEED_NAMES


@pytest.mark.parametrize("name", SEED_NAMES)
@settings(max_examples=12, deadline=None)
@given(
    length=st.integers(1, 4), height=st.integers(24, 90), width=st.integers(24, 90), key=keys,
    severity=severities, vocabulary=vocabularies,
)  # fmt: skip
def test_shape_type_and_range_are_kept(
    name: str, length: int, height: int, width: int, key: int, severity: float, vocabulary: str
) -> None:
    clean = gradient(length, height, width)
    before = clean.copy()
    spoiled = apply(name, clean, key, severity=severity, vocabulary=vocabulary)
    assert spoiled.frames.shape == clean.shape
    assert spoiled.mask.shape == (length, height, width, 1)
    for array in (spoiled.frames, spoiled.mask):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
        assert array.min() >= 0
        assert array.max() <= 1
    assert spoiled.artifacts == (name,)
    assert np.array_equal(clean, before)


@pytest.mark.parametrize("name", SEED_NAMES)
def test_the_same_key_gives_the_same_bits_and_another_key_another_clip(name: str, scene: np.ndarray) -> None:
    first = apply(name, scene, 11)
    again = apply(name, scene, 11)
    assert np.array_equal(first.frames, again.frames)
    assert np.array_equal(first.mask, again.mask)
    others = [apply(name, scene, key).frames for key in (12, 13, 14)]
    assert any(not np.array_equal(first.frames, other) for other in others)


@pytest.mark.parametrize("name", GROUPS["overlays"])
@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(1, 4), height=st.integers(32, 140), width=st.integers(32, 140), key=keys,
    severity=severities, vocabulary=vocabularies,
)  # fmt: skip
def test_overlays_have_a_mask_and_change_nothing_outside_it(
    name: str, length: int, height: int, width: int, key: int, severity: float, vocabulary: str
) -> None:
    clean = gradient(length, height, width)
    spoiled = apply(name, clean, key, severity=severity, vocabulary=vocabulary)
    outside = spoiled.mask[..., 0] == 0
    assert spoiled.mask_known
    assert spoiled.mask.max() > 0.9
    assert np.array_equal(spoiled.frames[outside], clean[outside])


@pytest.mark.parametrize("name", GROUPS["degradations"])
def test_degradations_have_no_mask(name: str, scene: np.ndarray) -> None:
    spoiled = apply(name, scene, 3)
    assert not spoiled.mask.any()
    assert spoiled.mask_known == (name != "salt_pepper_noise")
    assert not np.array_equal(spoiled.frames, scene)


@pytest.mark.parametrize("name", SEED_NAMES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 17, 5), (2, 3, 200)])
def test_tiny_and_narrow_clips_work(name: str, shape: tuple[int, int, int]) -> None:
    spoiled = apply(name, gradient(*shape), 5, severity=1.0)
    assert spoiled.frames.shape == (*shape, 3)


@pytest.mark.parametrize("name", SEED_NAMES)
def test_black_white_and_grey_frames_stay_in_range(name: str) -> None:
    for level in (0.0, 0.5, 1.0):
        spoiled = apply(name, np.full((2, 64, 64, 3), level, np.float32), 2, severity=1.0)
        assert 0 <= spoiled.frames.min() <= spoiled.frames.max() <= 1


@pytest.mark.parametrize("shape", [(64, 64, 3), (2, 64, 64, 1), (0, 64, 64, 3)])
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises((UsageError, TypeError)):
        apply("blur", np.zeros(shape, np.float32), 0)


@pytest.mark.parametrize("severity", [-0.1, 1.1, float("nan")])
def test_a_severity_out_of_range_is_refused(severity: float) -> None:
    with pytest.raises(UsageError, match="severity"):
        apply("blur", gradient(1, 32, 32), 0, severity=severity)


def test_an_unknown_vocabulary_is_refused() -> None:
    with pytest.raises(UsageError, match="vocabulary"):
        apply("corner_logo", gradient(1, 32, 32), 0, vocabulary="test")
