"""The mask of marks: what the network takes for one, tightened and completed by what is laid over the picture there.

The network's masks are a pixel fat, and of a large mark they hold its edges rather than its inside. The difference that
the edges make tells where the mark is: where it is more than a share of what it mostly is.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from mlx_vader.masks.static.difference import Gradient, difference

#: A mark is where the network is so sure, and what touches it as far as it is so sure.
SURE, GROWN = 0.8, 0.3
#: Pixels around that for the edges, and for what lies between them.
REACH, BETWEEN = 2, 4
#: A pixel belongs to the mark where the difference is this share of its 90th percentile; its rim from a lower share on.
SHARE, RIM_SHARE = 0.28, 0.12
#: Differences in levels below which there is no mark, or no rim of one.
LEAST, LEAST_RIM = 2.5, 1.5
#: A hole in a mark belongs to it where the difference within is this share, and so many levels.
HOLE_SHARE, LEAST_IN_HOLE = 0.22, 2.0

#: Of a larger picture: a variance in squared levels that is no edge, and from where on a pixel is the mark's.
FLAT, INSIDE = 16.0, 0.4

Plane = Float32[np.ndarray, "h w"]
Pixels = Bool[np.ndarray, "h w"]


def likely(probability: Plane) -> Pixels:
    """Where the network sees marks."""
    labels, _ = ndimage.label(probability > GROWN, structure=np.ones((3, 3)))
    sure = np.unique(labels[probability > SURE])
    return np.isin(labels, sure[sure > 0])


def refined(probability: Plane, persisting: Sequence[Gradient]) -> Pixels:
    """The marks where the network sees some."""
    seen = likely(probability)
    if not seen.any():
        return seen
    room = ndimage.binary_fill_holes(grown(seen, BETWEEN))
    laid = difference(persisting, grown(seen, REACH), room)
    inner = ndimage.binary_erosion(probability > SURE)
    labels, _ = ndimage.label(room, structure=np.ones((3, 3)))
    mask = np.zeros_like(seen)
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[box] == label
        mask[box] |= _part(laid[box], part, seen[box] & part, inner[box] & part)
    return mask


def _part(laid: Plane, room: Pixels, seen: Pixels, inner: Pixels) -> Pixels:
    """The mark within `room`, of which the network has seen some, `inner` for sure."""
    usual = float(np.percentile(laid[seen], 90))
    clear = room & (laid > max(LEAST, SHARE * usual))
    rim = room & (laid > max(LEAST_RIM, RIM_SHARE * usual))
    mask = clear | (rim & (grown(clear, 1) | seen)) | inner
    holes, _ = ndimage.label(ndimage.binary_fill_holes(mask) & ~mask)
    for label, box in enumerate(ndimage.find_objects(holes), start=1):
        hole = holes[box] == label
        if np.median(laid[box][hole]) > max(LEAST_IN_HOLE, HOLE_SHARE * usual):
            mask[box] |= hole
    return mask


def enlarged(mask: Pixels, picture: Float32[np.ndarray, "h2 w2 3"]) -> Bool[np.ndarray, "h2 w2"]:
    """The mask in a larger picture, whose edges it follows.

    He et al., "Guided Image Filtering", ECCV 2010: near each place the mask is taken for a linear function of the
    picture's brightness.
    """
    height, width = picture.shape[:2]
    soft = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    side = 2 * round(1.5 * height / mask.shape[0]) + 1
    guide = picture.mean(axis=-1)

    def mean(plane: Float32[np.ndarray, "h2 w2"]) -> Float32[np.ndarray, "h2 w2"]:
        return cv2.blur(plane, (side, side))

    around, usual = mean(guide), mean(soft)
    slope = (mean(guide * soft) - around * usual) / (mean(guide * guide) - around * around + FLAT)
    return mean(slope) * guide + mean(usual - slope * around) > INSIDE


def grown(mask: Pixels, radius: int) -> Pixels:
    """The mask and what is within a radius, in pixels."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disc) > 0
