"""Masks: where artifacts are. `source` is what every kind of source does; the other files are kinds, and arithmetic."""

from mlx_vader.masks.feather import REACH, blend, feathered
from mlx_vader.masks.growth import along_both
from mlx_vader.masks.hint import ARTIFACT, CLEAN, UNKNOWN, hint_of

__all__ = ["ARTIFACT", "CLEAN", "REACH", "UNKNOWN", "along_both", "blend", "feathered", "hint_of"]
