"""Before | mask | after, side by side with labels, for looking at what was done."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import Frame, Mask
from mlx_vader.levels import to_unit

#: Pictures beside each other, of another size than each of them.
Panels = Float32[np.ndarray, "rows columns 3"]

#: Wider previews are made smaller: three 1080p panels would be a video that few machines play.
MOST_WIDTH = 1920


def panel_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the preview of frames of `width` and `height`."""
    shape = panels(*(np.zeros((height, width, channels), np.float32) for channels in (3, 1, 3))).shape
    return shape[1], shape[0]


def panels(before: Frame, mask: Mask | None, after: Frame) -> Panels:
    """Before, mask and after. Without a mask the middle shows the change, four times as strong."""
    if mask is None:
        return labelled_row({"before": before, "change x4": np.abs(after - before) * 4, "after": after})
    return labelled_row({"before": before, "mask": np.repeat(mask, 3, axis=-1), "after": after})


def middle_panel(shown: Panels, height: int, width: int) -> Float32[np.ndarray, "h2 w2 3"]:
    """The mask, or the change, out of a preview of frames of this size, at their size."""
    reduction = _reduction(3, width)
    panel_height, panel_width = (max(side // reduction, 1) for side in (height, width))
    top = _strip_height(panel_width)
    panel = shown[top : top + panel_height, panel_width : 2 * panel_width]
    large = panel.repeat(reduction, axis=0).repeat(reduction, axis=1)
    missing = [(0, height - large.shape[0]), (0, width - large.shape[1]), (0, 0)]
    return np.pad(large, missing, mode="edge")


def labelled_row(images: Mapping[str, Frame]) -> Panels:
    """Images of one size side by side under their names; even height and width, reduced to at most `MOST_WIDTH`."""
    width = next(iter(images.values())).shape[1]
    reduction = _reduction(len(images), width)
    columns = [_reduced(np.clip(image, 0, 1), reduction) for image in images.values()]
    labels = _labels(columns[0].shape[1], tuple(images))
    return _even(np.concatenate([labels, np.concatenate(columns, axis=1)], axis=0))


def _reduction(images: int, width: int) -> int:
    return -(-images * width // MOST_WIDTH)


def _reduced(image: Frame, factor: int) -> Panels:
    """Every `factor` x `factor` pixels become their mean; a rest at the border is dropped."""
    if factor == 1 or min(image.shape[:2]) < factor:
        return image
    height, width = image.shape[0] // factor, image.shape[1] // factor
    blocks = image[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    return blocks.mean(axis=(1, 3))


def _text_size(width: int) -> int:
    return max(min(width // 12, 28), 8)


def _strip_height(width: int) -> int:
    size = _text_size(width)
    return size + size // 2 + size % 2


@lru_cache(maxsize=4)
def _labels(width: int, texts: tuple[str, ...]) -> Frame:
    """White on black, one above each panel of `width` pixels."""
    from PIL import Image, ImageDraw, ImageFont

    size = _text_size(width)
    strip = Image.new("RGB", (width * len(texts), _strip_height(width)))
    draw = ImageDraw.Draw(strip)
    for index, text in enumerate(texts):
        at = (index * width + width // 2, strip.height // 2)
        draw.text(at, text, font=ImageFont.load_default(size), fill="white", anchor="mm")
    return to_unit(np.asarray(strip))


def _even(image: Frame) -> Panels:
    """With a black row or column more where the size is odd: most encoders need even sizes."""
    return np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)))
