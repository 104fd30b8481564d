"""Spectral magnitude: keeps textures that a pixel loss blurs."""

import mlx.core as mx
from jaxtyping import Float


def fft(restored: Float[mx.array, "b t h w c"], clean: Float[mx.array, "b t h w c"]) -> mx.array:
    """L1 between the magnitudes of the orthonormal 2-D Fourier transforms of every frame."""
    difference = mx.abs(_magnitude(restored) - _magnitude(clean))
    return (difference * _columns(restored.shape[3])).sum() / restored.size


def _magnitude(frames: Float[mx.array, "b t h w c"]) -> Float[mx.array, "b t h v c"]:
    spectrum = mx.fft.rfft2(frames, axes=(2, 3), norm="ortho")
    # The floor, far below one grey level, keeps the gradient finite where a coefficient is zero.
    return mx.sqrt(mx.square(mx.real(spectrum)) + mx.square(mx.imag(spectrum)) + 1e-14)


def _columns(width: int) -> Float[mx.array, "v 1"]:
    """How often each column of the half spectrum stands in the full one: the mirrored ones twice."""
    counts = [1 if column in (0, width / 2) else 2 for column in range(width // 2 + 1)]
    return mx.array(counts, dtype=mx.float32)[:, None]
