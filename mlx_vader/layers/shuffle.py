"""Between pixels and channels: PyTorch's pixel_shuffle and its inverse, channels last."""

import mlx.core as mx
from jaxtyping import Float


def pixel_unshuffle(x: Float[mx.array, "n h w c"], factor: int) -> Float[mx.array, "n h2 w2 c2"]:
    """Each block of `factor` by `factor` pixels becomes channels, a colour's subpixels side by side."""
    n, h, w, c = x.shape
    blocks = x.reshape(n, h // factor, factor, w // factor, factor, c)
    return blocks.transpose(0, 1, 3, 5, 2, 4).reshape(n, h // factor, w // factor, c * factor * factor)


def pixel_shuffle(x: Float[mx.array, "n h w c"], factor: int) -> Float[mx.array, "n h2 w2 c2"]:
    """The inverse."""
    n, h, w, c = x.shape
    blocks = x.reshape(n, h, w, c // (factor * factor), factor, factor)
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(n, h * factor, w * factor, -1)
