"""The one way in which pictures change their size: Lanczos' filter, in Pillow.

What networks resize within themselves is in `layers/resize.py`. Pictures are 8-bit levels, or floats in [0, 1], which
are rounded to 8 bits on the way; the result is of the same kind.
"""

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from mlx_vader.levels import to_levels, to_unit

#: Left, top, right, bottom, in pixels of the picture.
Box = tuple[float, float, float, float]


def resize(
    picture: Shaped[np.ndarray, "h w 3"], height: int, width: int, box: Box | None = None
) -> Shaped[np.ndarray, "{height} {width} 3"]:
    """The picture, or a box of it, in `height` × `width` pixels."""
    levels = picture if picture.dtype == np.uint8 else to_levels(picture)
    resized = np.asarray(Image.fromarray(levels).resize((width, height), Image.Resampling.LANCZOS, box=box))
    return resized if picture.dtype == np.uint8 else to_unit(resized)


def crop_and_resize(
    picture: Shaped[np.ndarray, "h w 3"], height: int, width: int
) -> Shaped[np.ndarray, "{height} {width} 3"]:
    """The middle of the picture in the shape of `height` × `width`, scaled to it."""
    rows, columns = picture.shape[:2]
    scale = min(rows / height, columns / width)
    top, left = (rows - scale * height) / 2, (columns - scale * width) / 2
    return resize(picture, height, width, (left, top, left + scale * width, top + scale * height))


def at_most(
    picture: Shaped[np.ndarray, "h w 3"], height: int, *, multiple: int = 1
) -> Shaped[np.ndarray, "h2 w2 3"]:
    """The picture, made smaller where it has more than `height` lines (0: any number); sides in multiples."""
    rows, columns = picture.shape[:2]
    factor = min(1.0, height / rows) if height else 1.0
    size = [max(round(side * factor / multiple), 1) * multiple for side in (rows, columns)]
    return picture if size == [rows, columns] else resize(picture, size[0], size[1])
