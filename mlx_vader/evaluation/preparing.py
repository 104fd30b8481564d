"""From what is asked for to an evaluation that can run: what cannot work is refused before any work."""

from typing import TYPE_CHECKING

from mlx_vader.errors import UsageError
from mlx_vader.evaluation.options import EvaluateOptions

if TYPE_CHECKING:
    from mlx_vader.evaluation.evaluation import Evaluation


def prepare(options: EvaluateOptions) -> "tuple[Evaluation, str]":
    """What is to be done, and a note on what is left out. Raises `VaderError` or `UsageError` for what cannot work."""
    if options.logos is not None and not options.logos.is_dir():
        raise UsageError(
            f"{options.logos} is not a folder", hint="--logos DIR, with PNG files that have transparency"
        )
    from mlx_vader.evaluation.clips import find_clips
    from mlx_vader.evaluation.evaluation import Evaluation
    from mlx_vader.evaluation.methods import find_methods
    from mlx_vader.evaluation.networks import load_networks
    from mlx_vader.evaluation.perceptual import find_perceptual
    from mlx_vader.evaluation.suites import find_cases

    cases, clips = find_cases(options.suite), find_clips(options.clips)
    methods, missing = find_methods(load_networks(options.checkpoint, options.backend), options.method)
    perceptual, note = find_perceptual()
    evaluation = Evaluation(
        clips, cases, methods, options.frames, options.height, options.logos, perceptual, missing
    )
    return evaluation, note
