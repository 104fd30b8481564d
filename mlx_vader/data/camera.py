"""How a camera moves before a still picture: pan, zoom, rotation and the shake of a hand."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

#: Limits of one frame's motion and of a clip's, in shares of the picture side, octaves and radians.
PAN_PER_FRAME, PAN_TOTAL = 0.04, 0.75
ZOOM_PER_FRAME, ZOOM_TOTAL = 0.012, 0.3
TURN_PER_FRAME, TURN_TOTAL = np.radians(0.5), np.radians(12)
SHAKE, SHAKE_TURN = 0.012, np.radians(0.15)
#: So many of the clips are from a tripod, as most talking heads are: what was seen before says most there.
STILL_SHARE = 0.35


@dataclass(frozen=True)
class CameraPath:
    """Where the camera is at every frame, relative to the clip's middle; lengths in output pixels."""

    offset: Float[np.ndarray, "t 2"]
    zoom: Float[np.ndarray, " t"]
    angle: Float[np.ndarray, " t"]

    def matrices(self) -> Float[np.ndarray, "t 2 3"]:
        """Affine maps from an output pixel, counted from the picture's middle, to the still's plane at scale 1."""
        cos, sin = np.cos(self.angle) * self.zoom, np.sin(self.angle) * self.zoom
        rows = [np.stack([cos, -sin, self.offset[:, 0]], -1), np.stack([sin, cos, self.offset[:, 1]], -1)]
        return np.stack(rows, axis=1)

    def pushed(self, shift: Float[np.ndarray, "t 2"]) -> "CameraPath":
        """The same camera, seen from something nearer that moves by `shift` besides: parallax."""
        return CameraPath(self.offset + shift, self.zoom, self.angle)


def camera_path(rng: np.random.Generator, length: int, size: int) -> CameraPath:
    """A smooth random path of `length` frames for a picture of `size` pixels, within the limits above."""
    if rng.random() < STILL_SHARE:
        return CameraPath(np.zeros((length, 2)), np.ones(length), np.zeros(length))
    time = np.arange(length) - (length - 1) / 2
    zoom_rate = np.clip(rng.normal(0, 0.004), *_limits(ZOOM_PER_FRAME, ZOOM_TOTAL, length))
    turn_rate = np.clip(rng.normal(0, np.radians(0.15)), *_limits(TURN_PER_FRAME, TURN_TOTAL, length))
    shaken = rng.random() < 0.5
    shake = _shake(rng, length, 3) * rng.random() * shaken
    offset = pan(rng, length, size) + shake[:, :2] * SHAKE * size
    return CameraPath(offset, np.exp(zoom_rate * time), turn_rate * time + shake[:, 2] * SHAKE_TURN)


def pan(rng: np.random.Generator, length: int, size: int) -> Float[np.ndarray, "t 2"]:
    """Travel along a gentle arc at a speed that grows or falls, zero at the clip's middle; output pixels."""
    fastest = min(PAN_PER_FRAME, PAN_TOTAL / length) * size
    speed = fastest * np.exp(rng.uniform(np.log(0.02), 0))
    time = np.arange(length) - (length - 1) / 2
    share = time / max(length, 1)
    direction = rng.uniform(0, 2 * np.pi) + rng.uniform(-0.6, 0.6) * share
    step = speed * (1 + rng.uniform(-0.6, 0.6) * share)
    velocity = step[:, None] * np.stack([np.cos(direction), np.sin(direction)], axis=-1)
    # The ends run at most 30 % faster than the middle: scaled so that the limit holds for every frame.
    travel = np.cumsum(velocity / 1.3, axis=0)
    return travel - travel[length // 2]


def _limits(per_frame: float, total: float, length: int) -> tuple[float, float]:
    most = min(per_frame, total / length)
    return -most, most


def _shake(rng: np.random.Generator, length: int, axes: int) -> Float[np.ndarray, "t axes"]:
    """Noise with a memory of a few frames, about 1 in size and never more than 2."""
    values = np.empty((length, axes))
    value = rng.normal(size=axes)
    for frame in range(length):
        value = 0.75 * value + 0.66 * rng.normal(size=axes)
        values[frame] = value
    return np.clip(values, -2, 2)
