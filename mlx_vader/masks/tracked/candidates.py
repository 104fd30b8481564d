"""Rigid groups of corners that move otherwise than the scene: what may be a mark that moves."""

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

Window = UInt8[np.ndarray, "n h w"]

#: Of each square of so many pixels, so many corners are followed, of at least this strength.
SQUARE, CORNERS, STRENGTH = 20, 4, 2e-4
#: A corner that is followed there and back ends so near to where it was.
THERE_AND_BACK = 0.5
#: The scene moves as one up to so many pixels.
SCENE = 1.0
#: Corners of one mark move alike in each step up to so many pixels, lie this near to another, as a share of the height,
#: and are at least so many.
ALIKE, NEAR, FEWEST = 0.35, 0.09, 5
#: What goes straight on changes its speed by at most so many pixels a frame.
BEND = 0.2
#: A mark is at most so large, as a share of the height and the width.
LARGEST = 0.4


class Candidate(NamedTuple):
    """A box (x, y, width, height) in the middle frame of a window, and how far it goes from frame to frame."""

    box: tuple[int, int, int, int]
    corners: int
    step: tuple[float, float]


def candidates(window: Window) -> list[Candidate]:
    """The groups in a few frames on end, those of most corners first."""
    places = _followed(window)
    if len(places) < FEWEST:
        return []
    others = places[~_scene(places)]
    height, width = window.shape[1:]
    found = []
    for group in _groups(others, NEAR * height):
        track = others[group].mean(axis=0)
        if np.abs(np.diff(track, n=2, axis=0)).max() > BEND:
            continue
        across, down = (float(step) for step in (track[-1] - track[0]) / (len(window) - 1))
        middle = others[group][:, len(window) // 2]
        low, high = middle.min(axis=0) - 3, middle.max(axis=0) + 4
        x, y = np.maximum(low, 0).astype(int)
        right, bottom = np.minimum(high, (width, height)).astype(int)
        if (
            right - x <= LARGEST * width
            and bottom - y <= LARGEST * height
            and min(right - x, bottom - y) >= 8
        ):
            found.append(
                Candidate((int(x), int(y), int(right - x), int(bottom - y)), int(group.sum()), (across, down))
            )
    return sorted(found, key=lambda candidate: -candidate.corners)


def _followed(window: Window) -> Float32[np.ndarray, "corners n 2"]:
    """Corners of the first frame, in each frame, as far as they are followed to the last."""
    start = _corners(window[0])
    if not len(start):
        return np.zeros((0, len(window), 2), np.float32)
    places, kept = [start], np.ones(len(start), bool)
    for before, after in pairwise(window):
        there, ok, _ = cv2.calcOpticalFlowPyrLK(before, after, places[-1], None)  # type: ignore[call-overload]
        back, ok_back, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None)  # type: ignore[call-overload]
        off = np.linalg.norm(back - places[-1], axis=-1)[:, 0]
        kept &= (ok[:, 0] > 0) & (ok_back[:, 0] > 0) & (off < THERE_AND_BACK)
        places.append(there)
    return np.concatenate(places, axis=1)[kept]


def _corners(picture: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, "corners 1 2"]:
    """The strongest of each part of a picture, so that a busy scene does not take them all."""
    strength = cv2.cornerMinEigenVal(picture, 3)
    peaks = (strength == cv2.dilate(strength, np.ones((5, 5), np.uint8))) & (strength > STRENGTH)
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-strength[rows, columns])
    rows, columns = rows[order], columns[order]
    square = rows // SQUARE * (picture.shape[1] // SQUARE + 1) + columns // SQUARE
    by_square = np.argsort(square, kind="stable")
    _, first, count = np.unique(square[by_square], return_index=True, return_counts=True)
    rank = np.arange(len(square)) - np.repeat(first, count)
    chosen = by_square[rank < CORNERS]
    return np.stack([columns[chosen], rows[chosen]], axis=-1).astype(np.float32)[:, None]


def _scene(places: Float32[np.ndarray, "corners n 2"]) -> Bool[np.ndarray, " corners"]:
    """Which corners move with most of the picture."""
    start, end = (np.ascontiguousarray(places[:, at]) for at in (0, -1))
    motion, with_it = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=SCENE)
    return np.zeros(len(places), bool) if motion is None else with_it[:, 0] > 0


def _groups(places: Float32[np.ndarray, "corners n 2"], near: float) -> list[Bool[np.ndarray, " corners"]]:
    """Corners that move alike in each step and lie near one another."""
    steps = np.diff(places, axis=1)
    alike = np.abs(steps[:, None] - steps[None]).max(axis=(2, 3), initial=0) < ALIKE
    close = np.linalg.norm(places[:, None, 0] - places[None, :, 0], axis=-1) < near
    joined = alike & close
    left, groups = np.ones(len(places), bool), []
    for seed in np.argsort(-joined.sum(axis=1)):
        if not left[seed]:
            continue
        group = np.zeros(len(places), bool)
        group[seed] = True
        while (grown := joined[group].any(axis=0) & alike[seed] & left).sum() > group.sum():
            group = grown
        left &= ~group
        if group.sum() >= FEWEST:
            groups.append(group)
    return groups
