"""A clip before and after artifacts, and several of them as one batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from mlx_vader.artifacts import ARTIFACTS, spoil
from mlx_vader.data.keys import derive, shuffled
from mlx_vader.data.source import ClipSource
from mlx_vader.errors import UsageError


@dataclass(frozen=True)
class Sample:
    """One clip, RGB in [0, 1], and what was done to it; mask 1 = artifact."""

    clean: Float[np.ndarray, "t h w 3"]
    spoiled: Float[np.ndarray, "t h w 3"]
    mask: Float[np.ndarray, "t h w 1"]
    mask_known: bool
    warm: bool
    artifacts: tuple[str, ...]


@dataclass(frozen=True)
class Batch:
    """Samples of one size. Of W + T frames the first W make the state of a warm start; a cold start ignores them."""

    clean: Float[np.ndarray, "b t h w 3"]
    spoiled: Float[np.ndarray, "b t h w 3"]
    mask: Float[np.ndarray, "b t h w 1"]
    mask_known: Bool[np.ndarray, " b"]
    warm: Bool[np.ndarray, " b"]
    artifacts: tuple[tuple[str, ...], ...]


def stacked(samples: Sequence[Sample]) -> Batch:
    """One batch in the order of the samples."""
    return Batch(
        clean=np.stack([sample.clean for sample in samples]),
        spoiled=np.stack([sample.spoiled for sample in samples]),
        mask=np.stack([sample.mask for sample in samples]),
        mask_known=np.array([sample.mask_known for sample in samples]),
        warm=np.array([sample.warm for sample in samples]),
        artifacts=tuple(sample.artifacts for sample in samples),
    )


@dataclass(frozen=True)
class Recipe:
    """Everything that a training sample follows from, besides its number.

    `artifacts`: the names to choose from, None = all. `logos`: a folder of images with alpha for the logo overlays.
    """

    source: ClipSource
    artifacts: tuple[str, ...] | None
    length: int
    size: int
    seed: int
    vocabulary: str = "train"
    logos: Path | None = None

    def __post_init__(self) -> None:
        unknown = set(self.artifacts or ()) - set(ARTIFACTS)
        if unknown:
            raise UsageError(
                f"no artifact called {', '.join(sorted(unknown))}", hint=f"there are {', '.join(ARTIFACTS)}"
            )

    def sample(self, number: int) -> Sample:
        """Sample `number` of an endless run: an epoch shows each item once, in an order of its own; every other is warm."""
        epoch, place = divmod(number, len(self.source))
        index = int(shuffled(self.seed, epoch, len(self.source))[place])
        return self.spoiled_clip(index, derive(self.seed, number), self.artifacts, warm=number % 2 == 1)

    def spoiled_clip(self, index: int, key: int, artifacts: tuple[str, ...] | None, *, warm: bool) -> Sample:
        """A clip of one item with artifacts over its whole length, so that overlays move in one piece."""
        clean = self.source.clip(index, derive(key, 0), self.length, self.size)
        spoiled = spoil(clean, derive(key, 1), artifacts, vocabulary=self.vocabulary, logos=self.logos)
        return Sample(
            clean=clean,
            spoiled=np.asarray(spoiled.frames, np.float32),
            mask=np.asarray(spoiled.mask, np.float32),
            mask_known=spoiled.mask_known,
            warm=warm,
            artifacts=spoiled.artifacts,
        )


def validation_clips(
    source: ClipSource,
    count: int,
    *,
    artifacts: Sequence[str] | None = None,
    clip_length: int,
    size: int,
    seed: int = 0,
    logos: Path | None = None,
) -> list[Sample]:
    """The fixed set by which a run is judged: always the same clips, in the validation vocabulary.

    The artifacts take turns, one a clip, so that `count` = 13 shows each of them once; the clips are spread evenly over
    the source. Cold starts: a sample holds `clip_length` frames and no more.
    """
    names = tuple(artifacts) if artifacts is not None else tuple(ARTIFACTS)
    recipe = Recipe(source, names, clip_length, size, seed, "val", logos)
    return [
        recipe.spoiled_clip(
            place * len(source) // count, derive(seed, 1, place), (names[place % len(names)],), warm=False
        )
        for place in range(count)
    ]
