"""Small real clips, and a small network that changes what it sees."""

import av
import mlx.core as mx
import numpy as np
import pytest
import torch

from mlx_vader.models.registry import build
from mlx_vader.video import open_video, read_clip


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory, carphone):
    """The first 30 frames of carphone at 58x48, lossless RGB, 25 fps."""
    path = tmp_path_factory.mktemp("clips") / "small.mkv"
    frames = (255 * read_clip(carphone, 0, 30)[:, ::3, ::3][:, :48, :58] + 0.5).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, width=58, height=48)
        stream.pix_fmt = "bgr0"
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="bgr0")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small frames are slower on several threads, above all while other tests run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def network():
    """Random weights, a mask and a memory: every frame depends on those before it."""
    mx.random.seed(5)
    return build("nafunet", "tiny")


def frames_of(path):
    """All frames, in 8 bits: FFV1 stores RGB in 10, and rounding brings back what was there."""
    with open_video(path) as video:
        return np.round(255 * np.stack([frame.rgb for frame in video])).astype(np.float32) / np.float32(255)


def times_of(path):
    with open_video(path) as video:
        return [frame.pts * frame.time_base for frame in video]
