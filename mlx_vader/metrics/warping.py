"""Warping error: how much a clip flickers along its motion (Lai et al., ECCV 2018).

    E = 1/|Ω| Σ_t Σ_Ωt ‖I_t − warp(I_t+1, F_t→t+1)‖²

Frame t is compared with frame t+1 drawn back along the optical flow, where a pixel is visible in both. The motion is
that of the clean clip, found once by OpenCV's dense inverse search (Kroeger et al., ECCV 2016; preset medium), and is
the same for every restoration of the clip.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from mlx_vader.errors import VaderError
from mlx_vader.flow.dis import SMALLEST, dis
from mlx_vader.warping import targets, warp

#: A pixel is hidden in the next frame where |flow + flow back|² exceeds this share of |flow|² + |flow back|², plus a
#: constant (pixels²): Sundaram et al., ECCV 2010; with these numbers Ruder et al., GCPR 2016, as Lai et al. have it.
HIDDEN = (0.01, 0.5)

#: It lies on the edge of a moving thing where |∇flow|² exceeds this share of |flow|², plus a constant (Ruder et al.).
EDGE = (0.01, 0.002)


@dataclass(frozen=True, eq=False)
class Motion:
    """Of each frame but the last: the flow to the next, in pixels (x, y), and where the next shows the same thing."""

    flow: Float[np.ndarray, "pairs h w 2"]
    valid: Bool[np.ndarray, "pairs h w"]


def motion_of(clean: Float[np.ndarray, "t h w 3"]) -> Motion:
    """The motion of a clip, RGB in [0, 1], at least 16 × 16 pixels; about 0.3 s a frame of 1280 × 720 on one core.

    Not valid are pixels that leave the frame, are hidden in the next one or lie on the edge of a moving thing. Raises
    `VaderError` for smaller frames.
    """
    frames, height, width, _ = clean.shape
    if min(height, width) < SMALLEST:
        raise VaderError(
            f"the warping error needs frames of at least {SMALLEST}x{SMALLEST}, not {width}x{height}",
            hint="take larger clips",
        )
    motion = Motion(
        np.zeros((frames - 1, height, width, 2), np.float32), np.zeros((frames - 1, height, width), bool)
    )
    grey = [_grey(frame) for frame in clean]
    for pair, (here, there) in enumerate(pairwise(grey)):
        motion.flow[pair] = dis(here, there)
        motion.valid[pair] = _valid(motion.flow[pair], dis(there, here))
    return motion


def warping_error(clip: Float[np.ndarray, "t h w 3"], motion: Motion) -> float:
    """Mean squared distance of RGB in [0, 1], summed over the channels, of frame t and the warped frame t+1.

    Averaged over the valid pixels of a pair of frames, then over the pairs that have any, as Lai et al. have it; NaN
    where none has, as in a clip of one frame. `motion` is that of the clean clip. Raises `ValueError` where the sizes
    differ.
    """
    errors = [error.mean(dtype=np.float64) for error in _errors(clip, motion, motion.valid) if error.size]
    return float(np.mean(errors)) if errors else float("nan")


def hole_warping_error(
    clip: Float[np.ndarray, "t h w 3"], motion: Motion, mask: Float[np.ndarray, "t h w 1"]
) -> float:
    """The same over the valid pixels that are in the hole in both frames, Ω_t = M_t ∩ M_t+1: one mean over all frames.

    The hole is where the mask is above ½. NaN where there are no such pixels.
    """
    hole = mask[..., 0] > 0.5
    errors = np.concatenate(list(_errors(clip, motion, motion.valid & hole[:-1] & hole[1:])) or [np.empty(0)])
    return float(errors.mean(dtype=np.float64)) if errors.size else float("nan")


def _errors(
    clip: Float[np.ndarray, "t h w 3"], motion: Motion, chosen: Bool[np.ndarray, "pairs h w"]
) -> Iterator[Float[np.ndarray, " n"]]:
    """The squared distance at each chosen pixel, pair by pair."""
    if motion.valid.shape != (len(clip) - 1, *clip.shape[1:3]):
        raise ValueError(f"the motion of {motion.valid.shape} does not belong to a clip of {clip.shape[:3]}")
    for frame, following, flow, here in zip(clip[:-1], clip[1:], motion.flow, chosen, strict=True):
        yield _square(frame[here] - warp(following, flow)[here])


def _valid(flow: Float[np.ndarray, "h w 2"], back: Float[np.ndarray, "h w 2"]) -> Bool[np.ndarray, "h w"]:
    """Where the way there and back ends at its start, within the frame and off the edges of the motion."""
    height, width = flow.shape[:2]
    target = targets(flow)
    inside = ((target >= 0) & (target <= (width - 1, height - 1))).all(axis=-1)
    returning = warp(back, flow)
    size = _square(flow)
    hidden = _square(flow + returning) > HIDDEN[0] * (size + _square(returning)) + HIDDEN[1]
    slopes = np.gradient(flow, axis=(0, 1))
    edge = sum(map(_square, slopes)) > EDGE[0] * size + EDGE[1]
    return inside & ~hidden & ~edge


def _grey(frame: Float[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w"]:
    return cv2.cvtColor(np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)


def _square(vectors: np.ndarray) -> np.ndarray:
    """The squared length of each vector of the last axis."""
    return np.square(vectors).sum(axis=-1)
