"""Drawn scenes for `--dummy`: gradients, textures and shapes that move. No files, the same on every machine."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mlx_vader.data.keys import derive

Plane = Float[np.ndarray, "h w"]


@dataclass(frozen=True)
class SceneSource:
    """`count` scenes; every clip of a scene shows it from another place and in another motion."""

    count: int = 64
    seed: int = 0
    skipped: tuple[str, ...] = ()
    videos: tuple[Path, ...] = ()

    def __len__(self) -> int:
        return self.count

    def clip(self, index: int, key: int, length: int, size: int) -> Float[np.ndarray, "t size size 3"]:
        """Frames of scene `index`: a sliding background, and two to four shapes with their own motion."""
        scene = np.random.default_rng(derive(self.seed, index))
        motion = np.random.default_rng(key)
        y, x = np.meshgrid(*[np.arange(size, dtype=np.float32) / size] * 2, indexing="ij")
        background = _Background(scene, motion)
        shapes = [_Shape(scene, motion) for _ in range(scene.integers(2, 5))]
        frames = np.empty((length, size, size, 3), np.float32)
        for time in range(length):
            frame = background.drawn(x, y, time)
            for shape in shapes:
                frame = shape.over(frame, x, y, time)
            frames[time] = frame
        return np.clip(frames, 0, 1)


def dummy_source(split: str = "train") -> SceneSource:
    """Drawn scenes for training, and other ones for validation."""
    return SceneSource() if split == "train" else SceneSource(count=8, seed=1)


class _Background:
    """A gradient between two colours, with waves of several directions on it."""

    def __init__(self, scene: np.random.Generator, motion: np.random.Generator) -> None:
        self.colours = scene.uniform(0.1, 0.9, (2, 3)).astype(np.float32)
        self.direction = scene.uniform(0, 2 * np.pi)
        self.waves = scene.uniform(-1, 1, (5, 2)) * np.array([[3], [8], [20], [40], [80]])
        self.strengths = scene.uniform(0, 0.08, (5, 3)).astype(np.float32)
        self.start = motion.uniform(-1, 1, 2)
        self.velocity = motion.uniform(-0.02, 0.02, 2)

    def drawn(self, x: Plane, y: Plane, time: int) -> Float[np.ndarray, "h w 3"]:
        x, y = (axis + self.start[i] + self.velocity[i] * time for i, axis in enumerate((x, y)))
        share = 0.5 + 0.5 * np.sin(np.cos(self.direction) * x * 2 + np.sin(self.direction) * y * 2)
        frame = share[..., None] * self.colours[0] + (1 - share[..., None]) * self.colours[1]
        for (right, down), strength in zip(self.waves, self.strengths, strict=True):
            frame = frame + np.sin(right * x + down * y)[..., None] * strength
        return frame.astype(np.float32)


class _Shape:
    """A disc, ring or box of one colour with an edge as soft as a pixel."""

    def __init__(self, scene: np.random.Generator, motion: np.random.Generator) -> None:
        self.kind = scene.integers(3)
        self.colour = scene.uniform(0, 1, 3).astype(np.float32)
        self.radius = scene.uniform(0.06, 0.25)
        self.place = motion.uniform(0, 1, 2)
        self.velocity = motion.uniform(-0.03, 0.03, 2)

    def over(
        self, frame: Float[np.ndarray, "h w 3"], x: Plane, y: Plane, time: int
    ) -> Float[np.ndarray, "h w 3"]:
        right, down = (axis - self.place[i] - self.velocity[i] * time for i, axis in enumerate((x, y)))
        if self.kind == 2:
            distance = np.maximum(np.abs(right), np.abs(down)) - self.radius
        else:
            distance = np.hypot(right, down) - self.radius
            if self.kind == 1:
                distance = np.abs(distance) - self.radius / 4
        cover = np.clip(0.5 - distance * len(frame), 0, 1).astype(np.float32)[..., None]
        return frame * (1 - cover) + self.colour * cover
