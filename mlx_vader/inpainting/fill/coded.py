"""A membrane over what a codec left of the surroundings.

Video keeps colour at half the size, so a mark's colours bleed two pixels beyond it, a third of them into the first; its
luma hardly does. A membrane whose colours start from there carries them back into the hole: that costs 2 to 6 dB. So
luma starts at the hole's border, and colour further out. On thin lettering luma that started there would lose 5 dB.
"""

import numpy as np

from mlx_vader.arrays import Clip, Flows, Masks, Pixels
from mlx_vader.dilation import dilated
from mlx_vader.inpainting.fill.membrane import fill_with_membrane

#: Pixels around a hole whose colours are the mark's in part.
FRINGE = 2
#: BT.601's; what differs in other matrices is nothing beside what a fill guesses.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def fill_as_coded(frames: Clip, mask: Masks, flow: Flows | None = None) -> Clip:
    """A membrane in every hole; the `FRINGE` around keeps its luma, and gets the membrane's colours."""
    filled = fill_with_membrane(frames, mask)
    for picture, hole in zip(filled, mask[..., 0] > 0.5, strict=True):
        grown = with_fringe(hole)
        if not grown.all() and grown.any():
            wide = fill_with_membrane(picture[None], grown[None, ..., None].astype(np.float32))[0]
            picture[grown] = wide[grown] + ((picture - wide)[grown] @ _LUMA)[:, None]
    return np.clip(filled, 0, 1, out=filled)


def with_fringe(hole: Pixels) -> Pixels:
    """The hole and what `fill_as_coded` changes around it."""
    return dilated(hole, FRINGE)
