"""The mix that training sees."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_vader.artifacts import ARTIFACTS, GROUPS, spoil
from mlx_vader.artifacts.spoiling import MIX

CLIP = np.random.default_rng(1).random((3, 48, 64, 3), dtype=np.float32) * 0.6 + 0.2


def kinds(names: tuple[str, ...]) -> list[str]:
    return [ARTIFACTS[name].kind for name in names]


@settings(max_examples=60, deadline=None)
@given(key=st.integers(0, 2**63 - 1), vocabulary=st.sampled_from(["train", "val"]))
def test_the_mask_and_what_is_known_of_it_follow_from_the_artifacts(key: int, vocabulary: str) -> None:
    spoiled = spoil(CLIP, key, vocabulary=vocabulary)
    assert spoiled.frames.shape == CLIP.shape
    assert spoiled.mask.shape == (3, 48, 64, 1)
    assert spoiled.frames.dtype == spoiled.mask.dtype == np.float32
    assert 0 <= spoiled.frames.min() <= spoiled.frames.max() <= 1
    assert spoiled.mask_known == (
        "overlay" in kinds(spoiled.artifacts) or "salt_pepper_noise" not in spoiled.artifacts
    )
    assert spoiled.mask.any() == ("overlay" in kinds(spoiled.artifacts))
    if "degradation" not in kinds(spoiled.artifacts):
        outside = spoiled.mask[..., 0] == 0
        assert np.array_equal(spoiled.frames[outside], CLIP[outside])


def test_the_same_key_gives_the_same_clip() -> None:
    for key in range(15):
        first, again = spoil(CLIP, key), spoil(CLIP, key)
        assert first.artifacts == again.artifacts
        assert np.array_equal(first.frames, again.frames)
        assert np.array_equal(first.mask, again.mask)


def test_the_mix_is_as_written_down() -> None:
    clip = CLIP[:1, :24, :24]
    total = 400
    counts = Counter(
        (kinds(names).count("overlay"), kinds(names).count("degradation"))
        for names in (spoil(clip, key).artifacts for key in range(total))
    )
    assert sum(MIX.values()) == pytest.approx(1)
    for part, weight in MIX.items():
        assert counts[part] / total == pytest.approx(weight, abs=0.07)


def test_every_artifact_turns_up() -> None:
    clip = CLIP[:1, :24, :24]
    assert {name for key in range(250) for name in spoil(clip, key).artifacts} == set(ARTIFACTS)


@pytest.mark.parametrize(
    "names", ["corner_logo", "blur", "overlays", "corner_logo,jpeg_compression", ["blur", "film_grain"]]
)
def test_names_restrict_the_mix(names: str | list[str]) -> None:
    allowed = set(names.split(",") if isinstance(names, str) else names)
    if names == "overlays":
        allowed = set(GROUPS["overlays"])
    seen = {name for key in range(40) for name in spoil(CLIP[:1], key, names).artifacts}
    assert seen <= allowed
    assert seen


def test_codecs_come_after_noise() -> None:
    for key in range(200):
        order = list(spoil(CLIP[:1, :24, :24], key, "film_grain,jpeg_compression").artifacts)
        assert order in ([], ["film_grain"], ["jpeg_compression"], ["film_grain", "jpeg_compression"])


def test_some_overlays_are_cut_off_by_the_border() -> None:
    touching = 0
    for key in range(40):
        mask = spoil(np.full((1, 96, 96, 3), 0.5, np.float32), key, "corner_logo").mask[0, ..., 0]
        touching += max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) > 0.5
    assert touching > 4


def test_with_a_short_reach_overlays_are_solid_and_degradations_mild() -> None:
    """Nearer to the clean clip by degradations, further away by overlays."""

    def distance(names: str, reach: float) -> float:
        return float(
            np.mean([np.abs(spoil(CLIP, key, names, reach=reach).frames - CLIP) for key in range(60)])
        )

    assert distance("gaussian_noise", 0.2) < 0.5 * distance("gaussian_noise", 1.0)
    assert distance("corner_logo", 0.2) > 1.1 * distance("corner_logo", 1.0)
