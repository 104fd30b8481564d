"""A stateful package cleans a video through the same streaming code as a checkpoint, to the same result."""

import mlx.core as mx
import numpy as np
import pytest

from convert.coreml import open_source, write_package
from mlx_vader.backends import load_backend, restore
from mlx_vader.jobs.clean import clean
from mlx_vader.models.registry import build
from mlx_vader.video import read_clip, write_video

FRAMES = 6


@pytest.fixture(scope="module")
def network():
    mx.random.seed(5)
    return build("composite", "tiny")


@pytest.fixture(scope="module")
def package(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("packages") / "net.mlpackage"
    write_package(open_source(network), path, shapes="48x64,64x96", stateful=True)
    return path


@pytest.fixture
def clip(carphone, tmp_path):
    path = tmp_path / "clip.mp4"
    with write_video(path, frame_rate=25) as out:
        for frame in read_clip(carphone, 0, FRAMES)[:, :56, :80]:
            out.write(frame)
    return path


@pytest.mark.parametrize("strategy", ["clip-recurrent", "recurrent", "sliding-window", "bidirectional"])
def test_a_package_cleans_like_its_checkpoint(strategy, clip, network, package, tmp_path):
    options = {"strategy": strategy, "clip_length": 4, "codec": "ffv1", "find": "network"}
    clean(clip, tmp_path / "torch.mkv", checkpoint=network, backend="torch", **options)
    report = clean(clip, tmp_path / "coreml.mkv", checkpoint=package, backend="auto", **options)
    assert report.backend == "coreml"
    ours, theirs = (read_clip(tmp_path / f"{name}.mkv", 0, FRAMES) for name in ("coreml", "torch"))
    # Where rounding decides, a level of brightness or of a colour difference either way: up to three of RGB.
    assert np.abs(ours - theirs).max() <= 3.5 / 255
    assert np.abs(ours - theirs).mean() <= 0.2 / 255


def test_a_state_of_core_mls_survives_being_stored(clip, package):
    frames = read_clip(clip, 0, FRAMES)
    whole = restore(load_backend("coreml", package), frames).frames
    first, second = load_backend("coreml", package), load_backend("coreml", package)
    stored = first.pack(restore(first, frames[:3]).state)
    assert all(array.dtype == np.float16 for array in stored.values())
    resumed = restore(second, frames[3:], second.unpack(stored)).frames
    np.testing.assert_array_equal(resumed, whole[3:])
