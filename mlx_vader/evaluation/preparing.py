"""From what is asked for to an evaluation that can run: what cannot work is refused before any work."""

from typing import TYPE_CHECKING

from mlx_vader.errors import UsageError
from mlx_vader.evaluation.options import EvaluateOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlx_vader.evaluation.case import Case
    from mlx_vader.evaluation.evaluation import Evaluation
    from mlx_vader.evaluation.method import Method


def prepare(options: EvaluateOptions) -> "tuple[Evaluation, str]":
    """What is to be done, and a note on what is left out. Raises `VaderError` or `UsageError` for what cannot work."""
    if options.logos is not None and not options.logos.is_dir():
        raise UsageError(
            f"{options.logos} is not a folder", hint="--logos DIR, with PNG files that have transparency"
        )
    from mlx_vader.evaluation import objects
    from mlx_vader.evaluation.case import MASKED_KINDS
    from mlx_vader.evaluation.clips import find_clips
    from mlx_vader.evaluation.evaluation import Evaluation
    from mlx_vader.evaluation.material import Material, find_foreign
    from mlx_vader.evaluation.methods import find_methods
    from mlx_vader.evaluation.networks import load_networks
    from mlx_vader.evaluation.perceptual import find_perceptual
    from mlx_vader.evaluation.suites import SUITES, find_cases
    from mlx_vader.metrics.inception import find_inception

    cases, clips = find_cases(options.suite), find_clips(options.clips)
    needs_foreign = not {*cases}.isdisjoint({*SUITES["foreign_overlays"], *objects.DRAWINGS})
    material = find_foreign(options.foreign) if needs_foreign else Material()
    found, missing = find_methods(load_networks(options.checkpoint, options.backend), options.method)
    methods, idle = _useful(found, cases, options.frames)
    perceptual, note = find_perceptual()
    features = find_inception() if any(case.kind in MASKED_KINDS for case in cases) else None
    evaluation = Evaluation(
        clips,
        cases,
        methods,
        options.frames,
        options.height,
        material._replace(logos=options.logos),
        perceptual,
        features,
        missing | idle,
    )
    return evaluation, note


def _useful(
    methods: "Sequence[Method]", cases: "Sequence[Case]", frames: int
) -> "tuple[Sequence[Method], dict[str, str]]":
    """The methods that are for one of the artifacts, and of the others that a user may miss: why they are left out.

    Untouched clips alone are for every method.
    """
    from mlx_vader.evaluation.networks import TOO_SHORT, TYPED
    from mlx_vader.masks.static.source import FEWEST

    kinds = {case.kind for case in cases} - {"clean"}
    useful = [method for method in methods if not kinds or kinds & method.kinds]
    short = [method for method in useful if method is TYPED and frames < FEWEST]
    return [method for method in useful if method not in short], {method.name: TOO_SHORT for method in short}
