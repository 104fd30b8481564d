"""Un-blending: a translucent mark that stands still is subtracted instead of painted over.

Where a mark of opacity α and colour W lies over a picture I, the frame shows J = (1 − α) I + α W. Over a moving scene α
and W are the same in every frame and can be measured; I is what is left. `fit` measures, `proved` tries where it is
better than a fill, `remove` subtracts; all know arrays only.
"""

from mlx_vader.inpainting.unblend.fitting import FEWEST_FRAMES, fit
from mlx_vader.inpainting.unblend.mark import Mark, Part
from mlx_vader.inpainting.unblend.proof import Fill, proved
from mlx_vader.inpainting.unblend.removal import remove

__all__ = ["FEWEST_FRAMES", "Fill", "Mark", "Part", "fit", "proved", "remove"]
