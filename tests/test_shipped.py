"""The weights that come with the package do what they are for, on a clip that none of them saw."""

from functools import cache

import numpy as np
import pytest

from mlx_vader import checkpoints
from mlx_vader.artifacts import apply
from mlx_vader.backends import load_backend, restore
from mlx_vader.evaluation.suites import find_cases
from mlx_vader.masks import hint_of
from mlx_vader.metrics import masked_psnr, psnr
from mlx_vader.video import read_clip


@pytest.fixture(scope="module")
def clip(carphone):
    return read_clip(carphone, 50, 3)


@cache
def loaded(name):
    return load_backend("torch", checkpoints.read(name).network_with_weights())


def restored(name, frames, hint=None):
    return np.clip(restore(loaded(name), frames, hint=hint).frames, 0, 1)


@pytest.mark.parametrize(
    "suite",
    [
        "gaussian_noise",
        "salt_pepper_noise",
        "film_grain",
        "jpeg_compression",
        "h264",
        "hevc",
        "color_banding",
        "blur",
    ],
)
def test_degradations_is_nearer_to_the_clean_clip_than_what_it_was_given(suite, clip):
    for case in find_cases(suite):
        spoiled = case.applied(clip, "a clip").frames
        assert psnr(restored("degradations", spoiled), clip) > psnr(spoiled, clip), case.severity


@pytest.mark.parametrize("artifact", ["text_overlay", "channel_logo", "diagonal_text"])
def test_realtime_paints_beneath_an_overlay_whose_mask_it_is_given(artifact, clip):
    spoiled = apply(artifact, clip, 1, severity=0.5, vocabulary="val")
    frames = restored("realtime", spoiled.frames, hint_of(spoiled.mask))
    gained = masked_psnr(frames, clip, spoiled.mask) - masked_psnr(spoiled.frames, clip, spoiled.mask)
    assert gained > 3


@pytest.mark.parametrize("name", ["realtime", "degradations"])
def test_what_is_clean_stays_as_it_is(name, clip):
    assert psnr(restored(name, clip), clip) > 42
