"""Degradations do what their files say, in physical units."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mlx_vader.artifacts import GROUPS, apply
from mlx_vader.artifacts.degradations import video_compression as compress
from mlx_vader.artifacts.degradations.kernels import convolve, disc_kernel, gaussian_kernel, line_kernel
from mlx_vader.artifacts.degradations.pixels import random_grid
from mlx_vader.artifacts.degradations.video_compression import CODECS, Recipe, through_codec
from mlx_vader.artifacts.gallery import drawn_scene

GREY = np.full((4, 96, 96, 3), 0.5, np.float32)


def psnr(clean: np.ndarray, spoiled: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean(np.square(clean.astype(np.float64) - spoiled))))


@pytest.mark.parametrize("name", GROUPS["degradations"])
def test_more_severe_is_worse(name: str, scene: np.ndarray) -> None:
    quality = [
        np.mean([psnr(scene, apply(name, scene, key, severity=severity).frames) for key in range(8)])
        for severity in (0.0, 0.35, 0.7, 1.0)
    ]
    assert quality == sorted(quality, reverse=True)
    assert quality[0] > 30
    assert quality[0] - quality[-1] > 6


def test_blocks_start_in_the_corner_more_often_than_not() -> None:
    clip = np.zeros((1, 40, 56, 3), np.float32)
    grids = [random_grid(clip, np.random.default_rng(key), 16) for key in range(200)]
    assert all(grid.padded.shape[1] % 16 == grid.padded.shape[2] % 16 == 0 for grid in grids)
    assert all(grid.crop(grid.padded).shape == clip.shape for grid in grids)
    assert 0.6 < np.mean([(grid.top, grid.left) == (0, 0) for grid in grids]) < 0.9
    assert len({(grid.top, grid.left) for grid in grids}) > 30


@pytest.mark.parametrize(("severity", "sigma"), [(0.0, 2 / 255), (0.5, 26 / 255), (1.0, 50 / 255)])
def test_gaussian_noise_has_the_documented_deviation(severity: float, sigma: float) -> None:
    noise = apply("gaussian_noise", GREY, 1, severity=severity).frames - GREY
    assert noise.std() == pytest.approx(sigma, rel=0.05)
    assert abs(noise.mean()) < sigma / 20


@pytest.mark.parametrize(("severity", "density"), [(0.0, 0.001), (0.5, 0.01), (1.0, 0.1)])
def test_salt_and_pepper_has_the_documented_density(severity: float, density: float) -> None:
    frames = np.full((8, 200, 200, 3), 0.5, np.float32)
    hit = apply("salt_pepper_noise", frames, 4, severity=severity).frames != 0.5
    assert hit.mean() == pytest.approx(density, rel=0.15)


def test_film_grain_is_strongest_in_the_midtones_clumped_and_new_in_each_frame() -> None:
    def grain(level: float) -> np.ndarray:
        return np.stack(
            [apply("film_grain", GREY * 2 * level, key, severity=0.3).frames - level for key in range(6)]
        )

    middle, shadow = grain(0.5), grain(0.08)
    assert middle.std() == pytest.approx((3 + 0.3 * 27) / 255, rel=0.1)
    assert middle.std() > 1.5 * shadow.std()
    neighbours = np.mean(middle[..., 1:, :] * middle[..., :-1, :]) / middle.var()
    assert neighbours > 0.2
    following = np.mean(middle[:, 1:] * middle[:, :-1]) / middle.var()
    assert abs(following) < 0.05


def test_banding_leaves_few_levels() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 256, dtype=np.float32)[:, None], (1, 8, 256, 3))
    levels = {
        severity: len(np.unique(apply("color_banding", ramp, 0, severity=severity).frames[..., 0]))
        for severity in (0.0, 1.0)
    }
    assert 40 <= levels[0.0] <= 90
    assert 3 <= levels[1.0] <= 6


KERNELS = {
    "narrow": gaussian_kernel(0.5),
    "wide": gaussian_kernel(4.0),
    "small disc": disc_kernel(0.8),
    "disc": disc_kernel(6.5),
    "line": line_kernel(21.0, 0.7),
}


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_blur_kernels_keep_brightness_and_stay_centred(kernel: np.ndarray) -> None:
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(kernel, kernel[::-1, ::-1], atol=1e-7)
    assert np.allclose(convolve(GREY, kernel), GREY, atol=1e-5)


def test_convolution_equals_its_definition(scene: np.ndarray) -> None:
    kernel = line_kernel(5.0, 0.4)
    reach = kernel.shape[0] // 2
    small = scene[:1, :40, :50]
    padded = np.pad(small, ((0, 0), (reach, reach), (reach, reach), (0, 0)), "symmetric")
    expected = sum(
        kernel[2 * reach - dy, 2 * reach - dx] * padded[:, dy : dy + 40, dx : dx + 50]
        for dy in range(2 * reach + 1)
        for dx in range(2 * reach + 1)
    )
    assert np.allclose(convolve(small, kernel), expected, atol=1e-5)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("length", [1, 2, 7])
def test_codecs_return_every_frame_in_order(codec: str, length: int) -> None:
    """Frame t is a flat picture whose brightness tells t; B-frames on, so the encoder reorders."""
    levels = np.linspace(40, 220, length).astype(np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (length, 64, 80, 3)).copy()
    rate = {"qmin": "2", "qmax": "2"} if codec == "mpeg4" else {"crf": "12"}
    quiet = (
        {"x265-params": "log-level=none:pools=none:frame-threads=1:bframes=2"} if codec == "libx265" else {}
    )
    decoded = through_codec(frames, Recipe(codec, {"bf": "2", **rate, **quiet}, None, 12))
    assert decoded.shape == frames.shape
    assert np.abs(decoded.mean((1, 2, 3)) - levels).max() < 6


@pytest.mark.parametrize("shape", [(1, 33, 47), (3, 127, 65), (5, 64, 64)])
def test_video_compression_keeps_odd_sizes_and_single_frames_for_every_setting(
    shape: tuple[int, int, int],
) -> None:
    frames = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
    for key in range(25):
        assert compress(frames, np.random.default_rng(key), 0.5).shape == frames.shape


def test_compression_does_not_shift_the_picture(scene: np.ndarray) -> None:
    for name in ("jpeg_compression", "video_compression"):
        for key in range(6):
            mild = apply(name, scene, key, severity=0.0).frames
            shifted = np.roll(scene, 1, axis=2)
            assert psnr(scene[:, :, 1:], mild[:, :, 1:]) > psnr(shifted[:, :, 1:], mild[:, :, 1:]) + 3


@pytest.mark.skipif(sys.platform != "linux", reason="glibc fills memory on request")
def test_video_compression_does_not_depend_on_what_memory_held() -> None:
    code = (
        "import zlib; from mlx_vader.artifacts import apply; from mlx_vader.artifacts.gallery import drawn_scene\n"
        "scene = drawn_scene(3, 192, 256)\n"
        "for key in range(24): print(zlib.crc32(apply('video_compression', scene, key, severity=0.7).frames.tobytes()))"
    )
    results = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"MALLOC_PERTURB_": filling},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for filling in ("5", "77")
    }
    assert len(results) == 1


def test_small_pictures_are_compressed_alike_whatever_memory_held() -> None:
    junk = np.random.default_rng(0)
    scene = (drawn_scene(5, 32, 32) + junk.normal(0, 0.2, (5, 32, 32, 3))).clip(0, 1).astype(np.float32)

    def spoiled(key: int) -> bytes:
        held = [junk.bytes(size) for size in (300, 4096, 9000, 65536, 131072)]
        del held
        return apply("video_compression", scene, key, severity=0.5).frames.tobytes()

    for key in range(24):
        assert len({spoiled(key) for _ in range(10)}) == 1, key
