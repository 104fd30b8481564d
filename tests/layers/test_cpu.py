"""The forms of convolutions that are fast on MLX's CPU device, against its own."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_vader.layers import cpu


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
def test_depthwise_and_both_gradients_equal_mlx_own_convolution(kernel, stride):
    rng = np.random.default_rng(0)
    x, weight = (mx.array(rng.random(shape, np.float32)) for shape in ((2, 11, 8, 6), (6, kernel, kernel, 1)))
    padding = [cpu.same_padding(size, kernel, stride) for size in (11, 8)]

    def plain(x, weight):
        return mx.conv2d(mx.pad(x, [(0, 0), *padding, (0, 0)]), weight, stride, groups=6)

    def squared(convolution):
        return mx.value_and_grad(lambda x, w: mx.square(convolution(x, w)).sum(), argnums=(0, 1))(x, weight)

    ours, theirs = squared(lambda x, w: cpu.depthwise(x, w, stride)), squared(plain)
    assert ours[0].item() == pytest.approx(theirs[0].item(), rel=1e-5)
    for a, b in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-4)
