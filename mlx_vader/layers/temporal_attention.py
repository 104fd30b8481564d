"""Attention across frames over a 4x4 summary of each, with a memory of the frames before.

Frames attend to each other within a window of `num_frames`, as in the published network, and besides to the `memory`
frames before the window. The memory holds normalised summaries; entries that are not `valid` yet are not seen, so that
a fresh memory changes nothing.
"""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn
from jaxtyping import Float

from mlx_vader.layers.conv import Pointwise
from mlx_vader.layers.norm import LayerNorm2d
from mlx_vader.layers.resize import adaptive_average_pool, resize_bilinear

GRID = 4
TOKENS = GRID * GRID


class Memory(NamedTuple):
    """Summaries of the frames before, oldest first, and 1 where there is one."""

    tokens: Float[mx.array, "b k c"]
    valid: Float[mx.array, "b k"]


class TemporalAttention(nn.Module):
    """Adds a tenth of what the frames know of each other."""

    def __init__(self, channels: int, heads: int, num_frames: int, memory: int) -> None:
        super().__init__()
        self.heads, self.num_frames, self.memory = heads, num_frames, memory
        self.norm = LayerNorm2d(channels)
        self.qkv = Pointwise(channels, 3 * channels)
        self.proj = Pointwise(channels, channels)
        self.temporal_pos = 0.02 * mx.random.normal((1, num_frames, channels))
        if memory:
            self.memory_pos = mx.zeros((1, memory, channels))

    def __call__(self, x: Float[mx.array, "b t h w c"], memory: Memory) -> tuple[mx.array, Memory]:
        """Returns the features and the memory after the last frame."""
        b, t, h, w, c = x.shape
        pooled = self.norm(adaptive_average_pool(x.reshape(b * t, h, w, c), GRID))
        tokens = mx.concatenate([memory.tokens, pooled.reshape(b, t * TOKENS, c)], axis=1)
        valid = mx.concatenate([memory.valid, mx.ones((b, t * TOKENS), memory.valid.dtype)], axis=1)
        seen = self._windows(self.qkv(tokens), valid, t)
        seen = self.proj(seen).reshape(b * t, GRID, GRID, c)
        x = x + 0.1 * resize_bilinear(seen, h, w).reshape(x.shape)
        return x, Memory(tokens[:, t * TOKENS :], valid[:, t * TOKENS :])

    def _windows(
        self, qkv: Float[mx.array, "b n c3"], valid: Float[mx.array, "b n"], frames: int
    ) -> mx.array:
        """Cuts the frames into windows: all full ones at once, then the rest."""
        full = frames // self.num_frames
        parts = (
            [self._attend(qkv, valid, range(0, full * self.num_frames, self.num_frames), self.num_frames)]
            if full
            else []
        )
        if rest := frames - full * self.num_frames:
            parts.append(self._attend(qkv, valid, range(frames - rest, frames), rest))
        return mx.concatenate(parts, axis=1)

    def _attend(self, qkv: mx.array, valid: mx.array, starts: range, length: int) -> mx.array:
        """Attention in windows of `length` frames that begin at the frames `starts[0]`, `starts[0] + length`, …"""
        b, c = qkv.shape[0], qkv.shape[2] // 3
        starts = range(starts.start, starts.stop, length)
        span = (self.memory + length) * TOKENS
        stacked = mx.stack([qkv[:, s * TOKENS : s * TOKENS + span] for s in starts], axis=1)
        seen = mx.stack([valid[:, s * TOKENS : s * TOKENS + span] for s in starts], axis=1)
        q, k, v = mx.split(stacked.reshape(-1, span, 3 * c), 3, axis=-1)
        position = self._positions(length)
        q = q[:, self.memory * TOKENS :] + position[self.memory * TOKENS :]
        k = k + position
        bias = ((seen.reshape(-1, 1, 1, span) - 1) * 1e4).astype(q.dtype)
        q, k, v = (a.reshape(a.shape[0], -1, self.heads, c // self.heads).swapaxes(1, 2) for a in (q, k, v))
        out = mx.fast.scaled_dot_product_attention(q, k, v, scale=(c // self.heads) ** -0.5, mask=bias)
        return out.swapaxes(1, 2).reshape(b, -1, c)

    def _positions(self, length: int) -> Float[mx.array, "n c"]:
        """The position of each token: the memory's frames, then the window's.

        The published network reads the window's positions `(length, c)` as if they were stored `(c, length)`; its
        weights were trained that way.
        """
        c = self.temporal_pos.shape[-1]
        position = self.temporal_pos[0, :length].reshape(c, length).T
        if self.memory:
            position = mx.concatenate([self.memory_pos[0], position])
        return mx.repeat(position, TOKENS, axis=0)
