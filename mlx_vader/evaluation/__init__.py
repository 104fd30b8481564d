"""How good a restoration is: clips spoiled by known artifacts, restored by networks and by what users have today.

`suites` spoil, `methods` restore, `measuring` compares, `summary` and `page` tell. Nothing here prints.
"""

from typing import TYPE_CHECKING

from mlx_vader.evaluation.options import EvaluateOptions
from mlx_vader.lazy import lazily

if TYPE_CHECKING:
    from mlx_vader.evaluation.case import Case
    from mlx_vader.evaluation.clips import find_clips
    from mlx_vader.evaluation.evaluation import Evaluation, Trial, evaluate
    from mlx_vader.evaluation.method import Method, Restoration
    from mlx_vader.evaluation.methods import find_methods
    from mlx_vader.evaluation.preparing import prepare
    from mlx_vader.evaluation.suites import SUITES, find_cases

__all__ = [
    "SUITES",
    "Case",
    "EvaluateOptions",
    "Evaluation",
    "Method",
    "Restoration",
    "Trial",
    "evaluate",
    "find_cases",
    "find_clips",
    "find_methods",
    "prepare",
]

_HOMES = {
    "SUITES": "mlx_vader.evaluation.suites",
    "Case": "mlx_vader.evaluation.case",
    "Evaluation": "mlx_vader.evaluation.evaluation",
    "Method": "mlx_vader.evaluation.method",
    "Restoration": "mlx_vader.evaluation.method",
    "Trial": "mlx_vader.evaluation.evaluation",
    "evaluate": "mlx_vader.evaluation.evaluation",
    "find_cases": "mlx_vader.evaluation.suites",
    "find_clips": "mlx_vader.evaluation.clips",
    "find_methods": "mlx_vader.evaluation.methods",
    "prepare": "mlx_vader.evaluation.preparing",
}

__getattr__ = lazily(__name__, _HOMES)
