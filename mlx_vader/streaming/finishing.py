"""What a network restored becomes what is written: smooth holes are filled smoothly, and a user's mask is kept to."""

import numpy as np
from jaxtyping import Float32

from mlx_vader.masks import filled
from mlx_vader.streaming.results import Result
from mlx_vader.streaming.user_mask import Mark, blend

#: A mask above this is a hole. On held-out photographs a membrane helps more from here on than from one half.
MARKED = 0.3


def finished(
    frame: Float32[np.ndarray, "h w 3"], result: Result, mark: Mark | None
) -> Float32[np.ndarray, "h w 3"]:
    """The frame to write; `frame` is the source, `mark` the user's mask, if there is one, else the network's counts."""
    mask = result.mask if mark is None else mark.mask
    clean = result.frame
    if mask is not None and result.finite:
        clean = filled(clean, mask[..., 0] > MARKED)
    return clean if mark is None else blend(frame, clean, mark.alpha)
