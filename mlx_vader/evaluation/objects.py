"""The suite `objects`: something opaque in front of real footage, which moves, or stands still.

What it hides is known. Methods get its mask as people draw it, grown by two pixels. Nothing of it is of training.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import Image, ImageOps

from mlx_vader.arrays import Clip
from mlx_vader.evaluation.case import Case, Spoiled
from mlx_vader.evaluation.foreign.overlays import Canvas, across, laid_over
from mlx_vader.evaluation.foreign.painting import drawing, pick
from mlx_vader.evaluation.material import Material
from mlx_vader.metrics import Motion

#: An object's width and height, at most, of the frame's width: 80 x 72 pixels of 640.
SIZE = (80 / 640, 72 / 640)
#: The camera moves where the median of the flow is longer than this, of the frame's width, from frame to frame.
MOVES = 1 / 640

Mark = Callable[[np.random.Generator, Material, tuple[int, int]], Image.Image]
Way = Callable[[np.random.Generator, Image.Image, Canvas], Iterator[Image.Image]]


def patch(rng: np.random.Generator, material: Material, size: tuple[int, int]) -> Image.Image:
    """A plain rectangle."""
    return Image.new("RGB", size, tuple(rng.integers(0, 256, 3).tolist())).convert("RGBA")


def a_drawing(rng: np.random.Generator, material: Material, size: tuple[int, int]) -> Image.Image:
    """A drawing of the suite `foreign`."""
    return ImageOps.contain(drawing(pick(rng, material.drawings), size[1]), size)


def standing(rng: np.random.Generator, mark: Image.Image, canvas: Canvas) -> Iterator[Image.Image]:
    """A mark that stands still, anywhere in the picture."""
    place = rng.uniform(0, (canvas.width - mark.width, canvas.height - mark.height))
    yield from [canvas.holding(mark, *place)] * canvas.frames


def camera_moves(motion: Motion) -> bool:
    """Whether most of the picture moves from frame to frame."""
    steps = [np.hypot(*np.median(flow, axis=(0, 1))) for flow in motion.flow]
    return bool(steps) and bool(np.mean(steps) > MOVES * motion.flow.shape[2])


def camera_stands(motion: Motion) -> bool:
    """Otherwise."""
    return not camera_moves(motion)


def _overlay(
    mark: Mark, way: Way, rng: np.random.Generator, material: Material, canvas: Canvas
) -> Iterator[Image.Image]:
    width, height = (max(1, round(canvas.width * side)) for side in SIZE)
    yield from way(rng, mark(rng, material, (width, height)), canvas)


def _hidden(mark: Mark, way: Way, clip: Clip, key: int, material: Material) -> Spoiled:
    return Spoiled(*laid_over(clip, partial(_overlay, mark, way), key, material, 1))


def _cases(artifact: str, mark: Mark) -> tuple[Case, ...]:
    return tuple(
        Case(artifact, severity, "object", partial(_hidden, mark, way), ("grown 2",), suits)
        for severity, way, suits in (
            ("moving", across, None),
            ("still", standing, camera_stands),
            ("still, camera moves", standing, camera_moves),
        )
    )


PATCHES = _cases("patch", patch)
DRAWINGS = _cases("drawing", a_drawing)
CASES = PATCHES + DRAWINGS
