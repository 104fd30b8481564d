"""The run: each clip, spoiled in each way, through each method."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from mlx_vader.arrays import Clip, Masks
from mlx_vader.evaluation.clips import middle_of
from mlx_vader.evaluation.measuring import Row, Truth, measure
from mlx_vader.evaluation.method import Method
from mlx_vader.evaluation.perceptual import Perceptual
from mlx_vader.evaluation.suites import Case
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
    """What is evaluated, and with what. `clips`: files by name; `perceptual`: what `lpips` stands for, if anything."""

    clips: Mapping[str, Path]
    cases: Sequence[Case]
    methods: Sequence[Method]
    frames: int = 10
    height: int = 240
    logos: Path | None = None
    perceptual: Perceptual | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def trials(self) -> int:
        """How many rows there will be."""
        pairs = sum(method.is_for(case) for case in self.cases for method in self.methods)
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
        truth = Truth(name, clean, motion_of(clean), evaluation.perceptual)
        warm: set[str] = set()
        for case in evaluation.cases:
            spoiled, mask = case.applied(clean, name, evaluation.logos)
            for method in evaluation.methods:
                if not method.is_for(case):
                    continue
                if method.ours and method.name not in warm:
                    # The first frame of a size may wait for a compiler.
                    method.restore(spoiled[:1], _if_needed(method, mask, 1))
                    warm.add(method.name)
                yield _trial(truth, case, spoiled, mask, method)


def _trial(truth: Truth, case: Case, spoiled: Clip, mask: Masks | None, method: Method) -> Trial:
    started = time.perf_counter()
    restoration = method.restore(spoiled, _if_needed(method, mask, len(spoiled)))
    seconds = (time.perf_counter() - started) / len(spoiled)
    # It is measured as a file would hold it.
    restored = to_unit(to_levels(restoration.frames))
    row = measure(truth, case, mask, method, restoration._replace(frames=restored), seconds)
    return Trial(row, truth.clean, spoiled, restored, mask)


def _if_needed(method: Method, mask: Masks | None, frames: int) -> Float32[np.ndarray, "frames h w 1"] | None:
    return mask[:frames] if method.needs_mask and mask is not None else None
