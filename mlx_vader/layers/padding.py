"""Any size works: frames are extended by reflection to a multiple of the network's stride."""

import mlx.core as mx
from jaxtyping import Float


def reflected_indices(size: int, multiple: int) -> list[int]:
    """Row (or column) numbers that extend `size` to the next multiple, bouncing off both borders."""
    period = max(2 * (size - 1), 1)
    padded = -(-size // multiple) * multiple
    return [min(i % period, period - i % period) if size > 1 else 0 for i in range(padded)]


def pad_to_multiple(frames: Float[mx.array, "b t h w c"], multiple: int) -> Float[mx.array, "b t h2 w2 c"]:
    """Extends frames at the bottom and the right; frames that fit already are returned as they are."""
    for axis in (2, 3):
        size = frames.shape[axis]
        if size % multiple:
            frames = mx.take(frames, mx.array(reflected_indices(size, multiple)), axis=axis)
    return frames
