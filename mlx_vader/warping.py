"""Pictures drawn along a flow: what networks, metrics and propagation mean by warping, in NumPy and OpenCV."""

import cv2
import numpy as np
from jaxtyping import Float32, Real

from mlx_vader.arrays import Flow

_ROW = 4096


def warp(image: Real[np.ndarray, "h w ..."], flow: Flow) -> Float32[np.ndarray, "h w ..."]:
    """Each pixel of `image` where the flow points to, bilinear; beyond the border the nearest pixel of it counts."""
    x, y = np.moveaxis(targets(flow), -1, 0)
    return cv2.remap(
        np.ascontiguousarray(image, np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def sampled(
    image: Real[np.ndarray, "h w ..."],
    places: Float32[np.ndarray, "n 2"],
    interpolation: int = cv2.INTER_LINEAR,
) -> Float32[np.ndarray, "n ..."]:
    """The image at places (x, y), by one of OpenCV's interpolations; beyond the border the nearest pixel counts."""
    count = len(places)
    if not count:
        return np.zeros((0, *image.shape[2:]), np.float32)
    # OpenCV takes no more than 32767 of them in a row.
    grid = np.zeros((-(-count // _ROW), min(count, _ROW), 2), np.float32)
    grid.reshape(-1, 2)[:count] = places
    found = cv2.remap(image, grid[..., 0], grid[..., 1], interpolation, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(-1, *image.shape[2:])[:count].astype(np.float32, copy=False)


def targets(flow: Flow) -> Flow:
    """The place (x, y) that the flow takes each pixel to."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return flow + np.stack([x, y], axis=-1)
