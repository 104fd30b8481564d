"""Masks: what a user knows of where the artifacts are."""

from mlx_vader.masks.growth import along_both
from mlx_vader.masks.hint import ARTIFACT, CLEAN, UNKNOWN, with_hint

__all__ = ["ARTIFACT", "CLEAN", "UNKNOWN", "along_both", "with_hint"]
