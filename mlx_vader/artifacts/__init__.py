"""The thirteen synthetic artifacts: overlays, which give a mask, and degradations.

numpy, Pillow and PyAV only: this room runs in the data workers. `apply` one, or `spoil` at random for training.
"""

from mlx_vader.artifacts.artifact import Artifact, Spoiled
from mlx_vader.artifacts.registry import ARTIFACTS, GROUPS, parse_names
from mlx_vader.artifacts.spoiling import apply, spoil
from mlx_vader.artifacts.vocabulary import MissingFontError

__all__ = ["ARTIFACTS", "GROUPS", "Artifact", "MissingFontError", "Spoiled", "apply", "parse_names", "spoil"]
