"""OpenCV's own inpainting, frame by frame: what others use, and what ours is measured against."""

from functools import partial

import cv2
import numpy as np

from mlx_vader.arrays import Clip, Flows, Masks
from mlx_vader.levels import to_levels, to_unit

#: Pixels around a hole that it looks at, as published.
RADIUS = 3


def _fill(flag: int, frames: Clip, mask: Masks, flow: Flows | None = None) -> Clip:
    holes = (mask[..., 0] > 0.5).astype(np.uint8)
    filled = frames.copy()
    for picture, hole in zip(filled, holes, strict=True):
        inside = hole > 0
        picture[inside] = to_unit(cv2.inpaint(to_levels(picture), hole, RADIUS, flag))[inside]
    return filled


#: Telea, "An Image Inpainting Technique Based on the Fast Marching Method", J. Graphics Tools 2004.
fill_by_telea = partial(_fill, cv2.INPAINT_TELEA)
#: Bertalmio et al., "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting", CVPR 2001.
fill_by_navier_stokes = partial(_fill, cv2.INPAINT_NS)
