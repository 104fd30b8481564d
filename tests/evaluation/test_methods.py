"""Baselines do what they are there for, on a real clip; networks run as `clean` runs them."""

import os
import shutil
from pathlib import Path

import cv2
import mlx.core as mx
import numpy as np
import pytest

from mlx_vader import checkpoints
from mlx_vader.artifacts.degradations.gaussian_noise import with_noise
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.evaluation import ffmpeg_filters, ffmpeg_program, opencv
from mlx_vader.evaluation.ffmpeg_filters import RGB, YUV, filtered
from mlx_vader.evaluation.method import NOTHING, Method
from mlx_vader.evaluation.methods import find_methods
from mlx_vader.evaluation.networks import MEMBRANE, TYPED, WITH_MASK, load_networks
from mlx_vader.evaluation.suites import SUITES
from mlx_vader.inpainting.fill.coded import fill_as_coded
from mlx_vader.inpainting.fill.membrane import fill_smooth_places
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.masks import REACH
from mlx_vader.metrics import psnr
from mlx_vader.models.registry import build

PROGRAM, MISSING = ffmpeg_program.methods()
BASELINES = {method.name: method for method in (*opencv.METHODS, *ffmpeg_filters.METHODS, *PROGRAM)}
NEEDS_PROGRAM = pytest.mark.skipif(not PROGRAM, reason="needs an ffmpeg on the PATH")

#: The noise, of 255, that each denoiser is set for: the published settings are for little, ours for 25.
SIGMA = {
    "opencv nlmeans h=3": 6,
    "opencv nlmeans h=15": 25,
    "nlmeans s=1": 2,
    "nlmeans s=10": 25,
    "bm3d sigma=10": 5,
    "bm3d sigma=20": 10,
    "bm3d sigma=50": 25,
    "bm3d sigma=105": 50,
    "atadenoise": 4,
    "atadenoise 0.3": 25,
    "hqdn3d": 4,
    "hqdn3d 40": 25,
}
#: What each other filter is best at.
CASES = {
    "median": ("salt_pepper_noise", "0.5"),
    "deblock": ("jpeg_compression", "quality 10"),
    "gradfun": ("color_banding", "0.5"),
    "unsharp": ("blur", "0.5"),
}


def spoiled(name: str, clip: np.ndarray) -> np.ndarray:
    if name in SIGMA:
        noisy = with_noise(clip, np.random.default_rng(1), SIGMA[name] / 255)
        return to_unit(to_levels(noisy))
    case = next(c for c in SUITES["full"] if (c.artifact, c.severity) == CASES[name])
    return case.applied(clip, "carphone")[0]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=NEEDS_PROGRAM) if "hqdn3d" in name else name for name in (*SIGMA, *CASES)],
)
def test_a_filter_improves_what_it_is_for(name: str, clip: np.ndarray) -> None:
    before = spoiled(name, clip)
    after = BASELINES[name].restore(before, None).frames
    assert after.shape == clip.shape
    assert psnr(after, clip) > psnr(before, clip) + 0.05


def test_deband_smooths_the_steps_of_a_slope() -> None:
    slope = np.broadcast_to(np.linspace(0.2, 0.4, 192, dtype=np.float32)[:, None], (2, 64, 192, 3))
    banded = np.rint(slope * 63) / 63
    after = BASELINES["deband"].restore(banded.astype(np.float32), None).frames
    assert psnr(after, slope) > psnr(banded, slope) + 1


@pytest.mark.parametrize(
    "name",
    ["opencv telea", "opencv ns", "removelogo", pytest.param("delogo", marks=NEEDS_PROGRAM)],
)
@pytest.mark.parametrize("moving", [False, True])
def test_inpainting_fills_the_mask_and_touches_nothing_else(
    name: str, moving: bool, clip: np.ndarray
) -> None:
    mask = np.zeros((*clip.shape[:3], 1), np.float32)
    for time in range(len(clip)):
        left = 20 + 4 * time * moving
        mask[time, 30:36, left : left + 12] = 1
    marked = np.where(mask > 0.5, np.float32(1), clip)
    after = BASELINES[name].restore(marked, mask).frames
    hole = mask[..., 0] > 0.5
    assert psnr(after[hole], clip[hole]) > psnr(marked[hole], clip[hole]) + 6
    np.testing.assert_array_equal(after[~hole], clip[~hole])


@pytest.mark.parametrize("name", [name for name in BASELINES if BASELINES[name].needs_mask])
def test_an_empty_mask_changes_nothing(name: str, clip: np.ndarray) -> None:
    after = BASELINES[name].restore(clip, np.zeros((*clip.shape[:3], 1), np.float32)).frames
    np.testing.assert_array_equal(after, clip)


def test_planes_of_rgb_lose_nothing_and_those_of_yuv_little(clip: np.ndarray) -> None:
    np.testing.assert_array_equal(filtered(clip, "null", RGB), clip)
    assert psnr(filtered(clip, "null", YUV), clip) > 50


@pytest.mark.parametrize("chain", ["sparkle", "nlmeans=s=-5", "fps=1"])
def test_filters_that_do_not_work_are_told_in_one_line(chain: str, clip: np.ndarray) -> None:
    with pytest.raises(VaderError, match=chain.split("=")[0]):
        filtered(clip, chain, RGB)


def test_the_means_of_opencv_take_clips_of_any_length(clip: np.ndarray) -> None:
    for length in (1, 2, 3):
        assert opencv.non_local_means(3, clip[:length], None).frames.shape == clip[:length].shape


def test_methods_are_asked_for_what_they_are_for_alone() -> None:
    full = SUITES["full"]
    assert {case.kind for case in full if BASELINES["deband"].is_for(case)} == {"banding", "clean"}
    assert {case.kind for case in full if BASELINES["opencv telea"].is_for(case)} == {"overlay"}
    assert all(NOTHING.is_for(case) for case in full)


def test_names_choose_methods_by_their_words() -> None:
    chosen, _ = find_methods([], ["nlmeans", "opencv telea"])
    assert [method.name for method in chosen] == ["nothing", "nlmeans s=1", "nlmeans s=10", "opencv telea"]
    with pytest.raises(UsageError, match="'sparkle'"):
        find_methods([], ["sparkle"])


def test_without_the_program_its_methods_are_missing_and_said_to_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _, missing = find_methods([])
    assert missing.keys() == {"delogo", "hqdn3d"}
    with pytest.raises(UsageError, match="hqdn3d does not work here"):
        find_methods([], ["hqdn3d"])


def test_a_program_that_is_no_ffmpeg_offers_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert shutil.which("ffmpeg") == str(fake)
    assert ffmpeg_program.methods()[0] == ()
    with pytest.raises(VaderError, match="broken"):
        ffmpeg_program.through_program(str(fake), np.zeros((1, 16, 16, 3), np.float32), "null")


@pytest.fixture(scope="module")
def networks(checkpoint: Path) -> tuple[Method, ...]:
    return load_networks([str(checkpoint)], "torch")


def test_a_network_is_two_methods_and_says_where_it_runs(networks: tuple[Method, ...]) -> None:
    assert [method.name for method in networks] == ["tiny", "tiny with mask"]
    assert [method.needs_mask for method in networks] == [False, True]
    assert all(method.ours and method.where.startswith("torch on ") for method in networks)


def test_a_network_runs_as_clean_does(
    networks: tuple[Method, ...], checkpoint: Path, clip: np.ndarray
) -> None:
    from mlx_vader.backends import load_backend, restore

    restored = networks[0].restore(clip, None)
    whole = restore(load_backend("torch", str(checkpoint)), clip)
    np.testing.assert_allclose(restored.frames, whole.frames, atol=1e-5)
    assert restored.mask is not None
    np.testing.assert_allclose(restored.mask, whole.mask, atol=1e-5)


def test_the_membrane_fills_the_mask_and_needs_no_network(clip: np.ndarray) -> None:
    mask = np.zeros((*clip.shape[:3], 1), np.float32)
    mask[:, 30:40, 20:40] = 1
    filled = MEMBRANE.restore(clip, mask).frames
    np.testing.assert_array_equal(filled, fill_as_coded(clip, mask))
    assert MEMBRANE.ours


def test_with_a_mask_the_network_counts_in_reach_of_it_alone(
    networks: tuple[Method, ...], clip: np.ndarray
) -> None:
    mask = np.zeros((*clip.shape[:3], 1), np.float32)
    mask[:, 30:40, 20:40] = 1
    blind, masked = (method.restore(clip, mask).frames for method in networks)
    expected = fill_smooth_places(blind, (mask > 0.5).astype(np.float32))
    np.testing.assert_allclose(masked[:, 30:40, 20:40], expected[:, 30:40, 20:40], atol=5e-3)
    reach = np.zeros(mask.shape[:3], bool)
    reach[:, 30 - REACH : 40 + REACH, 20 - REACH : 40 + REACH] = True
    np.testing.assert_array_equal(masked[~reach], clip[~reach])


def test_two_checkpoints_of_one_name_are_told_apart(checkpoint: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "tiny.safetensors"
    other.parent.mkdir()
    shutil.copy(checkpoint, other)
    names = [method.name for method in load_networks([str(checkpoint), str(other)], "torch")]
    assert len(set(names)) == 4
    assert "other/tiny" in names


def test_a_network_that_takes_a_hint_is_told_where_the_artifact_is(clip: np.ndarray, tmp_path: Path) -> None:
    mx.random.seed(7)  # fresh networks follow a hint by 0.0008 to 0.0017
    path = checkpoints.save(tmp_path / "hinted.safetensors", build("realtime", "tiny"))
    mask = np.zeros((*clip.shape[:3], 1), np.float32)
    mask[:, 30:40, 20:40] = 1
    blind, masked = (method.restore(clip, mask) for method in load_networks([str(path)], "torch"))
    assert np.abs(masked.mask - blind.mask).max() > 1e-3


def test_what_subtracts_marks_beats_the_membrane_where_the_scene_moves_behind_a_faint_one() -> None:
    random = np.random.default_rng(5)
    scene = cv2.GaussianBlur(random.random((96, 400, 3), np.float32), (0, 0), 3)
    scene = np.clip(0.5 + 6 * (scene - scene.mean()), 0, 1)
    clean = np.stack([scene[:, 6 * at : 6 * at + 128] for at in range(40)])
    mask = np.zeros((40, 96, 128, 1), np.float32)
    for left in range(36, 92, 14):  # strokes, as of letters
        mask[:, 30:60, left : left + 5] = 1
    marked = clean + 0.4 * mask * (np.float32(0.9) - clean)
    ours, filled = (method.restore(marked, mask).frames for method in (WITH_MASK, MEMBRANE))
    inside = mask[..., 0] > 0
    assert psnr(ours[inside], clean[inside]) > psnr(filled[inside], clean[inside]) + 3
    far = np.ones(inside.shape[1:], bool)
    far[30 - REACH : 60 + REACH, 36 - REACH : 92 + REACH] = False
    np.testing.assert_array_equal(ours[:, far], marked[:, far])


def test_as_typed_what_nothing_proves_is_left_as_it_is(clip: np.ndarray) -> None:
    still = np.repeat(clip[:1], 12, axis=0)
    restored = TYPED.restore(still, None)
    np.testing.assert_array_equal(restored.frames, still)
    assert restored.mask is not None
    assert not restored.mask.any()
