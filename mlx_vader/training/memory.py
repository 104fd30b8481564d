"""Keeps freed memory at hand: every step asks for the same sizes as the one before."""

import mlx.core as mx

from mlx_vader._malloc import keep_freed_blocks

#: One part in so many of a GPU's memory may stay in freed buffers; data workers and the desktop need some too.
CACHE_PART = 4


def keep_freed_memory() -> None:
    """Bounds MLX's cache on a GPU. On Linux's CPU, where MLX has none, stops malloc from giving memory back.

    There, every large array is otherwise a new mapping whose pages the kernel clears one by one: a third of the time
    of a NAF block forwards, a quarter with its gradient (measured at 8 x 128 x 128 x 16).
    """
    described = mx.device_info()
    memory = described.get("memory_size", described.get("total_memory"))  # Metal's name, CUDA's name
    if isinstance(memory, int):
        mx.set_cache_limit(memory // CACHE_PART)
    if mx.default_device() == mx.cpu:
        keep_freed_blocks(everything=True)
