"""Masks: what a user knows of where the artifacts are."""

from mlx_vader.masks.hint import ARTIFACT, CLEAN, UNKNOWN, with_hint

__all__ = ["ARTIFACT", "CLEAN", "UNKNOWN", "with_hint"]
