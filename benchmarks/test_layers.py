"""The blocks that the networks spend their time in, in MLX, at the sizes that they have at 256x256.

pytest -n 0 benchmarks/test_layers.py
"""

import mlx.core as mx
import pytest

from mlx_vader.layers.naf import NAFBlock
from mlx_vader.layers.norm import LayerNorm2d
from mlx_vader.layers.resize import adaptive_average_pool, resize_bilinear
from mlx_vader.layers.temporal_attention import TOKENS, Memory, TemporalAttention

#: Channels and side of the stages of a network of 16 channels at 256x256.
STAGES = {16: 256, 32: 128, 64: 64, 128: 32}


def timed(benchmark, function, *arrays):
    compiled = mx.compile(function)
    mx.eval(compiled(*arrays))
    benchmark(lambda: mx.eval(compiled(*arrays)))


@pytest.mark.parametrize("channels", STAGES)
def test_naf_block(benchmark, channels):
    side = STAGES[channels]
    timed(benchmark, NAFBlock(channels), mx.random.normal((1, side, side, channels)))


@pytest.mark.parametrize("channels", STAGES)
def test_layer_norm(benchmark, channels):
    side = STAGES[channels]
    timed(benchmark, LayerNorm2d(channels), mx.random.normal((1, side, side, channels)))


def test_temporal_attention(benchmark):
    attention = TemporalAttention(128, 4, 1, 4)
    tokens, valid = mx.random.normal((1, 4 * TOKENS, 128)), mx.ones((1, 4 * TOKENS))
    features = mx.random.normal((1, 1, 32, 32, 128))
    timed(benchmark, lambda x, t, v: attention(x, Memory(t, v))[0], features, tokens, valid)


def test_pool_and_resize(benchmark):
    features = mx.random.normal((1, 90, 160, 128))
    timed(benchmark, lambda x: resize_bilinear(adaptive_average_pool(x, 4), 90, 160), features)
