"""Where a moving overlay is at frame t, for any t: nothing leaves the frame for good."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mlx_vader.artifacts.randomness import pick


class Pose(NamedTuple):
    """Centre in pixels, scale, and angle in degrees against the clock."""

    x: float
    y: float
    scale: float = 1.0
    angle: float = 0.0


Path = Callable[[int], Pose]

KINDS = ("linear", "bounce", "wave", "circle", "jump")


def random_path(rng: np.random.Generator, height: int, width: int, margin: tuple[float, float]) -> Path:
    """A path whose centre stays `margin` (x, y) pixels inside the frame, at 0.5 to 4 % of the frame's height a frame.

    linear    straight on, back at the other side; bounce    straight, reflected at the borders like a screen saver;
    wave      sideways in a sine;  circle    around a point;  jump    stays for 4 to 20 frames, then elsewhere.
    Half of them also turn, sway or breathe.
    """
    kind = pick(rng, KINDS)
    low = np.minimum(margin, (width / 2, height / 2))
    room = np.maximum((width, height) - 2 * low, 1.0)
    start = rng.random(2) * room
    heading = rng.uniform(0, 2 * np.pi)
    speed = min(height, width) * rng.uniform(0.005, 0.04)
    velocity = speed * np.array([np.cos(heading), np.sin(heading)])
    period = rng.uniform(20, 90)
    hold = int(rng.integers(4, 21))
    # Corners of a jump are drawn at once, so that frame t does not depend on the frames before it.
    stops = rng.random((16, 2)) * room
    spin = _spin(rng)

    def centre(time: int) -> np.ndarray:
        if kind == "linear":
            return (start + velocity * time) % room
        if kind == "bounce":
            return room - np.abs((start + velocity * time) % (2 * room) - room)
        turn = 2 * np.pi * time / period
        if kind == "wave":
            sway = 0.25 * room[1] * np.sin(turn)
            return np.array([(start[0] + velocity[0] * time) % room[0], np.clip(start[1] + sway, 0, room[1])])
        if kind == "circle":
            return room * (0.5 + 0.45 * np.array([np.cos(turn + heading), np.sin(turn + heading)]))
        return stops[time // hold % len(stops)]

    def pose(time: int) -> Pose:
        x, y = low + centre(time)
        return Pose(float(x), float(y), *spin(time))

    return pose


def _spin(rng: np.random.Generator) -> Callable[[int], tuple[float, float]]:
    """Scale and angle over time: still, turning, swaying, or breathing."""
    kind = pick(rng, ("still", "turn", "sway", "breathe"), (0.5, 0.15, 0.2, 0.15))
    rate = rng.uniform(-6, 6)
    period = rng.uniform(15, 60)
    swing = rng.uniform(5, 25)

    def spin(time: int) -> tuple[float, float]:
        wave = np.sin(2 * np.pi * time / period)
        if kind == "turn":
            return 1.0, rate * time
        if kind == "sway":
            return 1.0, swing * wave
        return (1.0 + 0.2 * wave if kind == "breathe" else 1.0), 0.0

    return spin
