"""The run: each clip, spoiled in each way, through each method."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.case import Case, Spoiled
from mlx_vader.evaluation.clips import middle_of
from mlx_vader.evaluation.given_masks import given_mask
from mlx_vader.evaluation.material import Material
from mlx_vader.evaluation.measuring import Row, Truth, measure
from mlx_vader.evaluation.method import RE_ENCODED, Method, Restoration
from mlx_vader.evaluation.perceptual import Perceptual
from mlx_vader.evaluation.summary import summarise
from mlx_vader.levels import to_levels, to_unit
from mlx_vader.metrics import motion_of
from mlx_vader.versions import installed

#: What users find out from a long run is what made it: packages whose version changes figures.
PACKAGES = ("vader-mlx", "numpy", "torch", "mlx", "av", "opencv-python-headless")


class Trial(NamedTuple):
    """A row, and the clips behind it, in 8-bit levels."""

    row: Row
    clean: Clip
    spoiled: Clip
    restored: Clip
    mask: Masks | None


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated, and with what. `clips`: files by name; `perceptual`: what `lpips` stands for, if anything.

    `features`: those of `fid`, if any.
    """

    clips: Mapping[str, Path]
    cases: Sequence[Case]
    methods: Sequence[Method]
    frames: int = 10
    height: int = 240
    material: Material = Material()  # noqa: RUF009 - a tuple
    perceptual: Perceptual | None = None
    features: Callable[[Clip], np.ndarray] | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def trials(self) -> int:
        """How many rows there will be at most, but for the controls: some cases are not for every clip."""
        pairs = sum(
            len(_given(method, case)) for case in self.cases for method in self.methods if method.is_for(case)
        )
        return pairs * len(self.clips)

    def as_dict(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The result for machines. A figure that there is not is null."""
        return {
            "kind": "measured",
            "frames": self.frames,
            "height": self.height,
            "clips": {name: str(path) for name, path in self.clips.items()},
            "lpips": self.perceptual.name if self.perceptual else None,
            "methods": [
                {"method": method.name, "settings": method.settings, "where": method.where or "CPU"}
                for method in self.methods
            ],
            "missing": dict(self.missing),
            "versions": installed(PACKAGES),
            "rows": [row.as_dict() for row in rows],
            "summary": summarise(rows),
        }


def evaluate(evaluation: Evaluation) -> Iterator[Trial]:
    """One trial after another; holds one clip at a time. Raises VaderError for a clip that cannot be decoded."""
    for name, path in evaluation.clips.items():
        clean = middle_of(path, evaluation.frames, evaluation.height)
        motion = motion_of(clean)
        truth = Truth(name, clean, motion, evaluation.perceptual, evaluation.features)
        warm: set[str] = set()
        for case in evaluation.cases:
            if case.suits and not case.suits(motion):
                continue
            spoiled = case.applied(clean, name, evaluation.material)
            yield from _trials(evaluation.methods, truth, case, spoiled, warm)


def _trials(
    methods: Sequence[Method], truth: Truth, case: Case, spoiled: Spoiled, warm: set[str]
) -> Iterator[Trial]:
    """Each method with each mask; `warm` names those that have computed a frame of this size."""
    if spoiled.coded is not None and case.kind == "clean":
        # What an encoder made of an untouched clip is no method's harm.
        truth = replace(truth, clean=spoiled.coded)
    elif spoiled.coded is not None:
        yield _trial(truth, case, spoiled, RE_ENCODED, None, Restoration(spoiled.coded), 0.0)
    masks = {
        given: given_mask(spoiled.mask, given) if spoiled.mask is not None and given else None
        for given in (None, *case.masks)
    }
    for method in methods:
        if not method.is_for(case):
            continue
        for given in _given(method, case):
            mask = masks[given]
            if method.ours and method.name not in warm:
                # The first frame of a size may wait for a compiler.
                method.restore(spoiled.frames[:1], None if mask is None else mask[:1])
                warm.add(method.name)
            started = time.perf_counter()
            restoration = method.restore(spoiled.frames, mask)
            seconds = (time.perf_counter() - started) / len(spoiled.frames)
            yield _trial(truth, case, spoiled, method, given, restoration, seconds, drawn=mask)


def _given(method: Method, case: Case) -> tuple[str | None, ...]:
    """The masks that a method is given one after the other; None for one that needs none."""
    return case.masks if method.needs_mask else (None,)


def _trial(
    truth: Truth,
    case: Case,
    spoiled: Spoiled,
    method: Method,
    given: str | None,
    restoration: Restoration,
    seconds: float,
    *,
    drawn: Masks | None = None,
) -> Trial:
    # It is measured as a file would hold it.
    restored = to_unit(to_levels(restoration.frames))
    row = measure(
        truth,
        case,
        spoiled.mask,
        method,
        restoration._replace(frames=restored),
        seconds,
        given=given,
        drawn=drawn,
    )
    return Trial(row, truth.clean, spoiled.frames, restored, spoiled.mask)
