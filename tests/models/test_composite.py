"""What the v1 composite promises besides what every network does."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_vader.metrics import psnr
from mlx_vader.models.registry import build
from mlx_vader.video import read_clip


@pytest.mark.parametrize("preset", ["tiny", "lite"])
def test_a_fresh_network_paints_nearly_what_it_sees(preset, carphone):
    mx.random.seed(0)
    net = build("composite", preset)
    # Behind an open mask only the painting is left.
    net.mask_head[2].bias = net.mask_head[2].bias + 20
    frames = read_clip(carphone, 0, 2)
    assert psnr(np.array(net(mx.array(frames[None])).frames[0]), frames) > 20
