"""Still images in and out."""

import os

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageOps

from mlx_vader.errors import VaderError
from mlx_vader.video.files import check_source, check_target, written_beside


def read_image(path: str | os.PathLike[str]) -> Float[np.ndarray, "h w 3"]:
    """RGB in [0, 1], upright."""
    source = check_source(path)
    try:
        with Image.open(source) as image:
            upright = ImageOps.exif_transpose(image)
            return np.asarray(upright.convert("RGB"), np.float32) / np.float32(255)
    except (OSError, SyntaxError, ValueError) as error:
        raise VaderError(f"{source} is not an image that can be read", hint=str(error)) from error


def write_image(path: str | os.PathLike[str], rgb: Float[np.ndarray, "h w 3"]) -> None:
    """Writes RGB in [0, 1]; the suffix names the format."""
    target = check_target(path)
    samples = np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8)
    with written_beside(target) as partial:
        Image.fromarray(samples).save(partial)
