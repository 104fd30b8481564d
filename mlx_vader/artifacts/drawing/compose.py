"""Laying patches over a clip, and the sizes and opacities that overlays choose from."""

from collections.abc import Callable

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.artifacts.drawing.stamp import FAINTEST, Patch, Stamp
from mlx_vader.artifacts.randomness import between

Paint = Callable[[int], Patch]
"""What lies over frame t. A still overlay returns the same patch for every t."""

# The mask rises from 0 to 1 while the opacity rises from nothing to this: about ten 8-bit steps, so the mask of a faint
# logo is as full as that of a solid one, and its edge is as wide as the antialiased edge.
VISIBLE = 10 / 255

OPACITY = ((0.15, 0.45), (0.55, 1.0))


def opacity(rng: np.random.Generator, severity: float) -> float:
    """Evenly from [0.15, 0.45] at severity 0 to [0.55, 1.0] at severity 1."""
    (low, low_end), (high, high_end) = OPACITY
    return between(rng.random(), between(severity, low, high), between(severity, low_end, high_end))


def reference_length(height: int, width: int) -> float:
    """The length that overlay sizes are fractions of: 128 px in a 128 px crop, 304 px in a 720p frame.

    It grows with the square root of the frame. Overlays are small in a whole frame, but a training crop is a piece of
    such a frame, where the same logo fills a good part.
    """
    return float(np.sqrt(128 * min(height, width)))


def still(patch: Patch) -> Paint:
    """The same patch over every frame."""
    return lambda _: patch


def in_corner(stamp: Stamp, corner: str, height: int, width: int, margin: float) -> Patch:
    """The stamp in a corner such as "bottom right", `margin` pixels away from the borders ("bottom" alone: centred)."""
    rows, columns = stamp.shape[:2]
    places = {
        "top": margin,
        "bottom": height - margin - rows,
        "left": margin,
        "right": width - margin - columns,
    }
    words = corner.split()
    top = next((places[word] for word in words if word in {"top", "bottom"}), (height - rows) / 2)
    left = next((places[word] for word in words if word in {"left", "right"}), (width - columns) / 2)
    return Patch(round(top), round(left), stamp)


def cropped(
    paint: Paint, frame: tuple[int, int], clip: tuple[int, int, int], rng: np.random.Generator
) -> Paint:
    """What of a frame's overlay lies over a clip that is a crop of that frame.

    `frame` is (height, width), `clip` (length, height, width). The crop is chosen so that the overlay is in at least
    one of its frames: a random pixel of the overlay, at a random time, comes to lie at a random place in the crop.
    """
    top, left, stamp = paint(int(rng.integers(clip[0])))
    aim = rng.random(3)
    pixels = np.argwhere(stamp[..., 3] >= VISIBLE) + np.array([top, left])
    pixels = pixels[np.all((pixels >= 0) & (pixels < frame), axis=1)]
    if not len(pixels):
        return paint
    pixel = pixels[int(aim[0] * len(pixels))]
    # The crop holds the pixel and stays within the frame.
    start = [
        int(np.clip(place - int(part * size), 0, whole - size))
        for place, part, size, whole in zip(pixel, aim[1:], clip[1:], frame, strict=True)
    ]

    def part_of(time: int) -> Patch:
        patch = paint(time)
        return patch._replace(top=patch.top - start[0], left=patch.left - start[1])

    return part_of


def lay_over(frames: Clip, paint: Paint) -> tuple[Clip, Masks]:
    """Alpha compositing in float; returns the frames and the mask. Pixels with mask 0 keep their exact value."""
    spoiled = frames.copy()
    mask = np.zeros((*frames.shape[:3], 1), np.float32)
    height, width = frames.shape[1:3]
    for time in range(len(frames)):
        top, left, stamp = paint(time)
        rows = slice(max(0, top), min(height, top + stamp.shape[0]))
        columns = slice(max(0, left), min(width, left + stamp.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        part = stamp[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        part = np.where(part[..., 3:] >= FAINTEST, part, np.float32(0))
        alpha = part[..., 3:]
        spoiled[time, rows, columns] = np.clip(
            spoiled[time, rows, columns] * (1 - alpha) + part[..., :3], 0, 1
        )
        mask[time, rows, columns] = np.minimum(alpha / np.float32(VISIBLE), 1)
    return spoiled, mask
