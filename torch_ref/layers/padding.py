"""Any size works: frames are extended by reflection to a multiple of the network's stride."""

import torch
from jaxtyping import Float
from torch import Tensor


def reflected_indices(size: int, multiple: int) -> list[int]:
    """Row (or column) numbers that extend `size` to the next multiple, bouncing off both borders."""
    period = max(2 * (size - 1), 1)
    padded = -(-size // multiple) * multiple
    return [min(i % period, period - i % period) if size > 1 else 0 for i in range(padded)]


def pad_to_multiple(frames: Float[Tensor, "b t c h w"], multiple: int) -> Float[Tensor, "b t c h2 w2"]:
    """Extends frames at the bottom and the right; frames that fit already are returned as they are."""
    for axis in (3, 4):
        size = frames.shape[axis]
        if size % multiple:
            indices = torch.tensor(reflected_indices(size, multiple), device=frames.device)
            frames = frames.index_select(axis, indices)
    return frames
