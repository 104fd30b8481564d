"""Suites spoil the same way in every run, and as they say."""

import numpy as np
import pytest

from mlx_vader.artifacts import ARTIFACTS
from mlx_vader.errors import UsageError
from mlx_vader.evaluation.case import HOLES, KINDS, Case
from mlx_vader.evaluation.suites import QUANTISERS, SUITES, find_cases
from mlx_vader.metrics import psnr


def case(artifact: str, severity: str) -> Case:
    return next(c for c in SUITES["full"] if (c.artifact, c.severity) == (artifact, severity))


@pytest.mark.parametrize("chosen", SUITES["quick"], ids=lambda c: f"{c.artifact}-{c.severity}")
def test_a_case_is_the_same_in_every_run_and_in_8_bits(chosen: Case, clip: np.ndarray) -> None:
    frames, mask, _ = chosen.applied(clip, "a.mp4")
    again, *_ = chosen.applied(clip, "a.mp4")
    np.testing.assert_array_equal(frames, again)
    assert frames.shape == clip.shape
    assert np.abs(frames * 255 - np.rint(frames * 255)).max() < 1e-4
    assert (mask is not None) == (chosen.kind in ("overlay", "clean"))


def test_another_clip_gets_another_logo_and_another_severity_the_same_one(clip: np.ndarray) -> None:
    masks = [case("corner_logo", severity).applied(clip, "a.mp4").mask > 0.5 for severity in ("0.2", "0.9")]
    other = case("corner_logo", "0.9").applied(clip, "b.mp4").mask > 0.5
    assert (masks[0] != masks[1]).mean() < 0.02
    assert (masks[1] != other).mean() > 0.02


def test_every_artifact_is_in_the_full_suite_and_every_kind() -> None:
    covered = {c.artifact for c in SUITES["full"]}
    # The codecs stand for video_compression, whose recipes are drawn at random.
    assert set(ARTIFACTS) - {"video_compression"} < covered
    assert {"h264", "hevc", "mpeg4", "clean"} < covered
    assert {c.kind for c in SUITES["full"]} == set(KINDS).difference(HOLES)
    assert set(SUITES["quick"]) < set(SUITES["full"])


def test_noise_has_exactly_the_sigma_that_its_name_says(clip: np.ndarray) -> None:
    grey = np.full((4, 96, 96, 3), 0.5, np.float32)
    noisy = case("gaussian_noise", "sigma 25").applied(grey, "grey").frames
    assert (noisy - grey).std() * 255 == pytest.approx(25, rel=0.01)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_higher_quantiser_is_worse(codec: str, clip: np.ndarray) -> None:
    quality = [psnr(case(codec, f"QP {qp}").applied(clip, "a").frames, clip) for qp in QUANTISERS]
    assert quality == sorted(quality, reverse=True)
    assert quality[0] > 33
    assert quality[0] - quality[-1] > 8


def test_suites_and_artifacts_are_named_together() -> None:
    chosen = find_cases("clean, corner-logo,overlays")
    assert [c.artifact for c in chosen[:4]] == ["clean", *["corner_logo"] * 3]
    assert set(chosen) == {*SUITES["clean"], *SUITES["overlays"]}
    with pytest.raises(UsageError, match="'sparkle'"):
        find_cases("sparkle")
