"""Masks: what a user knows of where the artifacts are, and what is done with them."""

from mlx_vader.masks.filling import filled
from mlx_vader.masks.growth import along_both
from mlx_vader.masks.hint import ARTIFACT, CLEAN, UNKNOWN, hint_of

__all__ = ["ARTIFACT", "CLEAN", "UNKNOWN", "along_both", "filled", "hint_of"]
