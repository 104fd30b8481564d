"""What the realtime network promises besides what every network does."""

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from mlx_vader.metrics import psnr
from mlx_vader.models.registry import NETWORKS, build
from mlx_vader.video import read_clip


@pytest.fixture
def frames(carphone):
    return mx.array(read_clip(carphone, 0, 2)[None])


def test_a_fresh_network_leaves_pictures_as_they_are(frames):
    mx.random.seed(0)
    restored = build("realtime", "small")(frames)
    assert psnr(np.array(restored.frames), np.array(frames)) > 30


@pytest.mark.parametrize("head", ["paint", "correct"])
def test_both_heads_of_a_fresh_network_learn(frames, head):
    """A head whose kernels get no gradient stays silent, and what it is there for is never learned."""
    mx.random.seed(0)
    net = build("realtime", "small")
    wanted = mx.clip(frames + 0.05, 0, 1)
    gradients = nn.value_and_grad(net, lambda net: mx.abs(net(frames).frames - wanted).mean())(net)[1]
    for kernel in ("weight3", "weight1"):
        assert float(mx.abs(gradients[head][kernel]).max()) > 1e-6


def test_a_hint_reaches_the_mask_and_no_hint_means_unknown(frames):
    mx.random.seed(0)
    net = build("realtime", "tiny")
    unknown, told = mx.zeros_like(frames[..., :1]), mx.ones_like(frames[..., :1])
    blind = net(frames)
    assert np.array_equal(blind.frames, net(frames, hint=unknown).frames)
    assert np.abs(np.array(blind.mask - net(frames, hint=told).mask)).max() > 1e-3


@pytest.mark.parametrize("preset", NETWORKS["realtime"].presets)
@pytest.mark.parametrize(("height", "width"), [(256, 256), (512, 512), (720, 1280)])
def test_the_state_is_what_the_neural_engine_can_keep(preset, height, width):
    """In a package its last dimension is the width, which must be a multiple of 32."""
    (shape,) = build("realtime", preset).state_spec(height, width).values()
    assert shape[:2] == (height // 4, width // 4)
    assert shape[1] % 32 == 0
