"""Attention across frames over a 4x4 summary of each, with a memory of the frames before.

Frames attend to each other within a window of `num_frames`, as in the published network, and besides to the `memory`
frames before the window. The memory holds normalised summaries; entries that are not `valid` yet are not seen, so that
a fresh memory changes nothing.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from torch_ref.layers.conv import pointwise
from torch_ref.layers.norm import LayerNorm2d
from torch_ref.layers.resize import adaptive_average_pool, resize_bilinear

GRID = 4
TOKENS = GRID * GRID


class Memory(NamedTuple):
    """Summaries of the frames before, oldest first, and 1 where there is one."""

    tokens: Float[Tensor, "b k c"]
    valid: Float[Tensor, "b k"]


class TemporalAttention(nn.Module):
    """Adds a tenth of what the frames know of each other."""

    def __init__(self, channels: int, heads: int, num_frames: int, memory: int) -> None:
        super().__init__()
        self.heads, self.num_frames, self.memory = heads, num_frames, memory
        self.norm = LayerNorm2d(channels)
        self.qkv = pointwise(channels, 3 * channels)
        self.proj = pointwise(channels, channels)
        self.temporal_pos = nn.Parameter(0.02 * torch.randn(1, num_frames, channels))
        if memory:
            self.memory_pos = nn.Parameter(torch.zeros(1, memory, channels))

    def forward(self, x: Float[Tensor, "b t c h w"], memory: Memory) -> tuple[Tensor, Memory]:
        """Returns the features and the memory after the last frame."""
        b, t, c, h, w = x.shape
        pooled = self.norm(adaptive_average_pool(x.flatten(0, 1), GRID))
        pooled = pooled.reshape(b, t, c, TOKENS).transpose(2, 3).reshape(b, t * TOKENS, c)
        tokens = torch.cat([memory.tokens, pooled], dim=1)
        valid = torch.cat([memory.valid, torch.ones(b, t * TOKENS).to(memory.valid)], dim=1)
        seen = self._windows(
            nn.functional.linear(tokens, self.qkv.weight[:, :, 0, 0], self.qkv.bias), valid, t
        )
        seen = self.proj(seen.reshape(b * t, TOKENS, c).transpose(1, 2).reshape(b * t, c, GRID, GRID))
        x = x + 0.1 * resize_bilinear(seen, h, w).reshape(x.shape)
        return x, Memory(tokens[:, t * TOKENS :], valid[:, t * TOKENS :])

    def _windows(self, qkv: Float[Tensor, "b n c3"], valid: Float[Tensor, "b n"], frames: int) -> Tensor:
        """Cuts the frames into windows: all full ones at once, then the rest."""
        full = frames // self.num_frames
        parts = (
            [self._attend(qkv, valid, range(0, full * self.num_frames, self.num_frames), self.num_frames)]
            if full
            else []
        )
        if rest := frames - full * self.num_frames:
            parts.append(self._attend(qkv, valid, range(frames - rest, frames), rest))
        return torch.cat(parts, dim=1)

    def _attend(self, qkv: Tensor, valid: Tensor, starts: range, length: int) -> Tensor:
        """Attention in windows of `length` frames that begin at the frames `starts[0]`, `starts[0] + length`, …"""
        b, c = qkv.shape[0], qkv.shape[2] // 3
        starts = range(starts.start, starts.stop, length)
        span = (self.memory + length) * TOKENS
        stacked = torch.stack([qkv[:, s * TOKENS : s * TOKENS + span] for s in starts], dim=1)
        seen = torch.stack([valid[:, s * TOKENS : s * TOKENS + span] for s in starts], dim=1)
        q, k, v = stacked.reshape(-1, span, 3 * c).chunk(3, dim=-1)
        position = self._positions(length)
        q = q[:, self.memory * TOKENS :] + position[self.memory * TOKENS :]
        k = k + position
        bias = (seen.reshape(-1, 1, 1, span) - 1) * 1e4
        q, k, v = (a.reshape(a.shape[0], -1, self.heads, c // self.heads).transpose(1, 2) for a in (q, k, v))
        weights = torch.softmax(q @ k.transpose(2, 3) * (c // self.heads) ** -0.5 + bias, dim=-1)
        return (weights @ v).transpose(1, 2).reshape(b, -1, c)

    def _positions(self, length: int) -> Float[Tensor, "n c"]:
        """The position of each token: the memory's frames, then the window's.

        The published network reads the window's positions `(length, c)` as if they were stored `(c, length)`; its
        weights were trained that way.
        """
        c = self.temporal_pos.shape[-1]
        position = self.temporal_pos[0, :length].reshape(c, length).T
        if self.memory:
            position = torch.cat([self.memory_pos[0], position])
        return position.unsqueeze(1).expand(-1, TOKENS, -1).reshape(-1, c)
