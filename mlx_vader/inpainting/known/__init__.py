"""Marks that are known from files: found in a video by their edges, and put in their place to parts of a pixel.

`look` is the first pass, `Placed` what it finds; all know arrays and a `Video` only.
"""

from mlx_vader.inpainting.known.looking import Placed, look, placed_of

__all__ = ["Placed", "look", "placed_of"]
