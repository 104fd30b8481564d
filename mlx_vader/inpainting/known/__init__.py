"""Marks that are known from files: found in a video by their edges, put in their place to parts of a pixel, taken off.

`look` is the first pass, `Placed` what it finds, `take` what takes it off a frame; all know arrays and a `Video` only.
"""

from mlx_vader.inpainting.known.looking import Placed, look, placed_of
from mlx_vader.inpainting.known.taking import take

__all__ = ["Placed", "look", "placed_of", "take"]
