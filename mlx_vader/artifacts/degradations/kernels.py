"""Blur kernels and the convolution that applies them to every frame."""

import numpy as np
from jaxtyping import Float

Kernel = Float[np.ndarray, "k k"]


def gaussian_kernel(sigma: float) -> Kernel:
    """A Gaussian, cut at three sigma; sums to 1."""
    radius = max(1, int(np.ceil(3 * sigma)))
    line = np.exp(-0.5 * np.square(np.arange(-radius, radius + 1) / sigma))
    return _normalised(np.outer(line, line))


def disc_kernel(radius: float) -> Kernel:
    """The image of a point out of focus: an antialiased disc; sums to 1."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return _normalised(np.clip(radius + 0.5 - np.hypot(x, y), 0, 1))


def line_kernel(length: float, angle: float) -> Kernel:
    """The image of a point moved evenly over `length` pixels in direction `angle` (radians); sums to 1."""
    reach = int(np.ceil(length / 2)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))
    across = np.abs(y * np.cos(angle) - x * np.sin(angle))
    return _normalised(np.clip(length / 2 + 0.5 - along, 0, 1) * np.clip(1 - across, 0, 1))


def convolve(frames: Float[np.ndarray, "t h w c"], kernel: Kernel) -> Float[np.ndarray, "t h w c"]:
    """Each channel of each frame filtered by the kernel, borders mirrored; same shape, float32."""
    height, width = frames.shape[1:3]
    reach = kernel.shape[0] // 2
    shape = (_fast_length(height + 2 * reach), _fast_length(width + 2 * reach))
    response = np.fft.rfft2(kernel.astype(np.float32), shape)[..., None]
    filtered = np.empty_like(frames)
    for frame, target in zip(frames, filtered, strict=True):
        padded = np.pad(frame, ((reach, reach), (reach, reach), (0, 0)), "symmetric")
        spectrum = np.fft.rfft2(padded, shape, axes=(0, 1))
        spectrum *= response
        whole = np.fft.irfft2(spectrum, shape, axes=(0, 1))
        target[...] = whole[2 * reach : 2 * reach + height, 2 * reach : 2 * reach + width]
    return filtered


def _normalised(kernel: np.ndarray) -> Kernel:
    return (kernel / kernel.sum()).astype(np.float32)


def _fast_length(length: int) -> int:
    """The next multiple of 16: few large prime factors, so the transform stays quick."""
    return -(-length // 16) * 16
