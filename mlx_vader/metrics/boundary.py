"""Boundary error: how much the edge of a filled hole differs from the picture around it.

    E = 1/|∂M| Σ_∂M | ‖∇I'‖ − E[‖∇I‖ | N(∂M)] |

∂M: the outermost pixels of the hole. N(∂M): the unmasked pixels at most `REACH` from it. ∇: central differences of
luma (BT.601). A seam has a large error, and so has a smear where the surroundings have texture. The clean clip's own
error is not 0: its texture varies around the mean.
"""

import cv2
import numpy as np
from jaxtyping import Float

#: How far around the hole the picture is looked at, in pixels.
REACH = 5

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_AROUND = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
_LUMA = np.array([0.299, 0.587, 0.114])


def boundary_error(
    restored: Float[np.ndarray, "t h w 3"],
    clean: Float[np.ndarray, "t h w 3"],
    mask: Float[np.ndarray, "t h w 1"],
) -> float:
    """E of RGB in [0, 1], in units of the range a pixel; the hole is where the mask is above ½.

    The expectation is that of each frame of `clean`, I; the mean is over the edges of all frames together. NaN where no
    frame has both a hole and pixels around it. The border of the frame is no edge of the hole.
    """
    errors = []
    for frame, true, held in zip(restored, clean, mask, strict=True):
        hole = (held > 0.5).astype(np.uint8)
        edge = hole[..., 0] > cv2.erode(hole, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=1)
        around = cv2.dilate(hole, _AROUND) > hole[..., 0]
        if edge.any() and around.any():
            errors.append(np.abs(_slope(frame)[edge] - _slope(true)[around].mean()))
    return float(np.concatenate(errors).mean()) if errors else float("nan")


def _slope(frame: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w"]:
    """The length of the gradient of luma at each pixel."""
    return np.hypot(*np.gradient(frame @ _LUMA))
