"""How good a restoration is: clips spoiled by known artifacts, restored by networks and by what users have today.

`suites` spoil, `methods` restore, `measuring` compares, `summary` and `page` tell. Nothing here prints.
"""

from mlx_vader.evaluation.clips import find_clips
from mlx_vader.evaluation.evaluation import Evaluation, Trial, evaluate
from mlx_vader.evaluation.method import Method, Restoration
from mlx_vader.evaluation.methods import find_methods
from mlx_vader.evaluation.suites import SUITES, Case, find_cases

__all__ = [
    "SUITES",
    "Case",
    "Evaluation",
    "Method",
    "Restoration",
    "Trial",
    "evaluate",
    "find_cases",
    "find_clips",
    "find_methods",
]
