"""A known mark laid into a frame: at any place and size, softer or not, as opacity and colour of the frame's pixels."""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, Shaped

from mlx_vader.boxes import Box
from mlx_vader.inpainting.unblend.yuv import yuv_of

#: Opacity times YUV in levels, and opacity: what is clear has no colour.
Shown = Float32[np.ndarray, "h w 4"]
#: Edges of opacity are divided by what shines through; by no less than this.
LEAST_LIGHT = 0.15
#: Pixels of less opacity show nothing.
_CLEAR = 1e-3
#: Blur, as a share of the pixels that become one, that keeps a mark which is made smaller from aliasing.
_SMALLER = 0.35


class Pose(NamedTuple):
    """Where a mark lies in a frame: its upper left corner, how many times its own size it is, and how much softer.

    `blur` is the standard deviation of a Gaussian in pixels of the frame.
    """

    top: float
    left: float
    down: float = 1.0
    across: float = 1.0
    blur: float = 0.0

    def times(self, factor: float) -> "Pose":
        """The same in a frame that is so many times as large."""
        return Pose(*(factor * value for value in self))

    def box(self, height: int, width: int) -> Box:
        """The pixels that a mark of so many pixels may cover; it may reach beyond the frame."""
        reach = int(np.ceil(3 * self.blur)) + 1
        top, left = int(np.floor(self.top)), int(np.floor(self.left))
        bottom = int(np.ceil(self.top + self.down * height))
        right = int(np.ceil(self.left + self.across * width))
        return Box(top, left, bottom - top, right - left).grown(reach, reach)


class Chroma(NamedTuple):
    """How a codec's chroma differs from the picture's: it lies further down and right, and is softer, in pixels.

    It is halved by one filter and doubled by another, which need not agree on where its samples lie.
    """

    down: float
    right: float
    blur: float


#: Where it is looked for first.
USUAL_CHROMA = Chroma(0.0, -0.25, 0.8)


class Layer(NamedTuple):
    """A mark in pixels of a frame, in Y, U and V as they are decoded: opacity, and opacity times colour in levels."""

    alpha: Float32[np.ndarray, "h w c"]
    product: Float32[np.ndarray, "h w c"]

    def times(self, gain: float) -> "Layer":
        """The same, so many times as opaque."""
        return Layer(np.clip(gain * self.alpha, 0, 1), np.float32(gain) * self.product)

    def channels(self, chosen: slice) -> "Layer":
        """Some of Y, U and V alone."""
        return Layer(self.alpha[..., chosen], self.product[..., chosen])


def shown(alpha: Float32[np.ndarray, "h w"], colour: Float32[np.ndarray, "h w 3"]) -> Shown:
    """What `posed` lays into frames; `colour` is RGB in [0, 1]."""
    return np.dstack([alpha[..., None] * yuv_of(255 * colour), alpha])


def posed(mark: Float32[np.ndarray, "h w c"], pose: Pose, box: Box) -> Float32[np.ndarray, "h2 w2 c"]:
    """Planes of the mark, opacity the last of them, in the pixels of a box of the frame."""
    reach = int(np.ceil(3 * pose.blur / min(pose.down, pose.across))) + 2
    source = cv2.copyMakeBorder(mark, *(reach,) * 4, cv2.BORDER_CONSTANT)
    across, down = (
        float(np.hypot(pose.blur / scale, _SMALLER * max(1 / scale - 1, 0)))
        for scale in (pose.across, pose.down)
    )
    if max(across, down) > 0.05:
        across, down = max(across, 1e-3), max(down, 1e-3)
        source = cv2.GaussianBlur(source, (0, 0), sigmaX=across, sigmaY=down, borderType=cv2.BORDER_CONSTANT)
    matrix = np.array(
        [
            [pose.across, 0, pose.left - box.left + pose.across * (0.5 - reach) - 0.5],
            [0, pose.down, pose.top - box.top + pose.down * (0.5 - reach) - 0.5],
        ]
    )
    laid = cv2.warpAffine(source, matrix, (box.width, box.height), flags=cv2.INTER_CUBIC)
    # Between pixels the interpolation overshoots: no opacity is more than the mark has.
    within = np.clip(laid[..., -1:], 0, mark[..., -1].max())
    return laid * (within / np.maximum(laid[..., -1:], np.float32(_CLEAR)))


def layer(mark: Shown, pose: Pose, box: Box, chroma: Chroma = USUAL_CHROMA) -> Layer:
    """The mark in the pixels of a box of the frame."""
    laid = posed(mark, pose, box)
    moved = pose._replace(
        top=pose.top + chroma.down,
        left=pose.left + chroma.right,
        blur=float(np.hypot(pose.blur, chroma.blur)),
    )
    soft = posed(mark, moved, box)
    alpha = np.stack([laid[..., 3], soft[..., 3], soft[..., 3]], axis=-1)
    return Layer(alpha, np.concatenate([laid[..., :1], soft[..., 1:3]], axis=-1))


def luma_layer(mark: Shown, pose: Pose, box: Box) -> Layer:
    """Y alone: for what is done many times."""
    laid = posed(mark[..., [0, 3]], pose, box)
    return Layer(laid[..., 1:], laid[..., :1])


def gradient(planes: Shaped[np.ndarray, "h w c"]) -> Float32[np.ndarray, "2 h w c"]:
    """Down and across, a pixel."""
    pictures = np.ascontiguousarray(planes, np.float32)
    return np.stack([_sobel(pictures, 0, 1), _sobel(pictures, 1, 0)])


def _sobel(planes: Float32[np.ndarray, "h w c"], across: int, down: int) -> Float32[np.ndarray, "h w c"]:
    edges: np.ndarray = cv2.Sobel(
        planes, cv2.CV_32F, across, down, scale=0.125, borderType=cv2.BORDER_REPLICATE
    )
    return edges.reshape(planes.shape)


class Edges(NamedTuple):
    """What edges a mark makes in a frame: over a picture that shows `seen` they are `fixed - seen * shaded`.

    A mark over a picture I shows J = (1 - a) I + p, with its opacity a and its product p. Where I has no edge J has
    grad p + (p - J) grad a / (1 - a): all of it is known.
    """

    fixed: Float32[np.ndarray, "2 h w c"]
    shaded: Float32[np.ndarray, "2 h w c"]


def edges(laid: Layer) -> Edges:
    """The edges of a mark."""
    shaded = gradient(laid.alpha) / np.maximum(1 - laid.alpha, np.float32(LEAST_LIGHT))
    return Edges(gradient(laid.product) + laid.product * shaded, shaded)
