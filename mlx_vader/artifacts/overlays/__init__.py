"""The six overlays: `(height, width, length, rng, severity, style) -> Paint`, one a file.

A Paint says which patch lies over frame t. Overlays never look at the frames: compose.lay_over puts the patches on
them and makes the mask. Severity is opacity (compose.opacity); sizes are fractions of compose.reference_length.
"""

from mlx_vader.artifacts.overlays.channel_logo import channel_logo
from mlx_vader.artifacts.overlays.corner_logo import corner_logo
from mlx_vader.artifacts.overlays.diagonal_text import diagonal_text
from mlx_vader.artifacts.overlays.moving_logo import moving_logo
from mlx_vader.artifacts.overlays.text_overlay import text_overlay
from mlx_vader.artifacts.overlays.tiled_pattern import tiled_pattern

__all__ = ["channel_logo", "corner_logo", "diagonal_text", "moving_logo", "text_overlay", "tiled_pattern"]
