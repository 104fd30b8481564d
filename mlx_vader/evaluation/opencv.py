"""OpenCV's inpainting, which needs the true mask, and its non-local means over several frames."""

from functools import partial

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.method import Method, Restoration, filled_by, filling
from mlx_vader.inpainting.fill.opencv import RADIUS
from mlx_vader.levels import to_levels, to_unit

#: Frames that `fastNlMeansDenoisingColoredMulti` looks at, and its windows, as published.
FRAMES, TEMPLATE, SEARCH = 5, 7, 21


def non_local_means(strength: float, clip: Clip, mask: Masks | None) -> Restoration:
    """Patches alike in a frame and its neighbours are averaged; at the ends of the clip time is mirrored."""
    import cv2

    window = min(FRAMES, 2 * len(clip) - 1)
    reach = window // 2
    levels = to_levels(clip)[..., ::-1]  # OpenCV has blue first
    padded = [
        np.ascontiguousarray(frame) for frame in np.pad(levels, ((reach, reach), *[(0, 0)] * 3), "reflect")
    ]
    frames = [
        cv2.fastNlMeansDenoisingColoredMulti(
            padded, reach + time, window, None, strength, strength, TEMPLATE, SEARCH
        )
        for time in range(len(clip))
    ]
    return Restoration(to_unit(np.stack(frames)[..., ::-1]))


def _means(strength: int) -> Method:
    return Method(
        f"opencv nlmeans h={strength}",
        frozenset({"noise"}),
        partial(non_local_means, strength),
        settings=f"fastNlMeansDenoisingColoredMulti(frames, i, {FRAMES}, None, {strength}, {strength}, "
        f"{TEMPLATE}, {SEARCH})",
    )


METHODS = (
    *(
        filling(
            f"opencv {name}",
            partial(filled_by, name),
            settings=f"inpaint(frame, mask > ½, {RADIUS}, INPAINT_{name.upper()})",
        )
        for name in ("telea", "ns")
    ),
    _means(3),
    _means(15),
)
