"""A clip before and after artifacts, and several of them as one batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from mlx_vader.artifacts import apply, parse_names, spoil
from mlx_vader.data.hints import random_hint
from mlx_vader.data.keys import derive, shuffled
from mlx_vader.data.source import ClipSource
from mlx_vader.levels import to_levels
from mlx_vader.masks.hint import UNKNOWN

#: The share of the severities with which a ramp begins.
LEAST_SEVERITY = 0.4

#: Of the validation clips, in turn.
SEVERITIES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Sample:
    """One clip, RGB in [0, 1], and what was done to it; mask 1 = artifact. `hint`: see `masks/hint.py`."""

    clean: Float[np.ndarray, "t h w 3"]
    spoiled: Float[np.ndarray, "t h w 3"]
    mask: Float[np.ndarray, "t h w 1"]
    hint: Float[np.ndarray, "t h w 1"]
    mask_known: bool
    warm: bool
    artifacts: tuple[str, ...]


#: What a pixel of `Batch.levels` holds, in this order.
CLEAN, SPOILED, MASK, HINT = slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 8)
#: A hint of 0 as a level; -1 and 1 are as far below and above.
NO_HINT = 127


@dataclass(frozen=True)
class Batch:
    """Samples of one size, in levels, as video has them: 8 bytes a pixel go from the workers to the GPU.

    `levels`: clean and spoiled RGB, the mask from 0 to 255, and the hint from 0 to 254. Of W + T frames the first W
    make the state of a warm start; a cold start ignores them.
    """

    levels: UInt8[np.ndarray, "b t h w 8"]
    mask_known: Bool[np.ndarray, " b"]
    warm: Bool[np.ndarray, " b"]
    artifacts: tuple[tuple[str, ...], ...]


class Planes(NamedTuple):
    """What a batch's levels say: RGB in [0, 1], the mask, 1 = artifact, and the hint (`masks/hint.py`)."""

    clean: Any
    spoiled: Any
    mask: Any
    hint: Any


def planes(levels: Any) -> Planes:
    """The planes of `Batch.levels`, float32 in [0, 1] or [-1, 1]: of a numpy array, or of MLX's on the device."""
    levels = levels.astype("float32") if isinstance(levels, np.ndarray) else levels * 1.0
    clean, spoiled, mask = (levels[..., part] / 255 for part in (CLEAN, SPOILED, MASK))
    return Planes(clean, spoiled, mask, levels[..., HINT] / NO_HINT - 1)


def stacked(samples: Sequence[Sample]) -> Batch:
    """One batch in the order of the samples."""
    return Batch(
        levels=np.stack([_levels(sample) for sample in samples]),
        mask_known=np.array([sample.mask_known for sample in samples]),
        warm=np.array([sample.warm for sample in samples]),
        artifacts=tuple(sample.artifacts for sample in samples),
    )


def _levels(sample: Sample) -> UInt8[np.ndarray, "t h w 8"]:
    hint = ((sample.hint + 1) * NO_HINT).astype(np.uint8)
    colours = (to_levels(values) for values in (sample.clean, sample.spoiled, sample.mask))
    return np.concatenate([*colours, hint], axis=-1)


def echoed(parts: Sequence[Batch], mirrors: Sequence[tuple[int, ...]]) -> Batch:
    """The samples of all parts in turn, those of each part turned round along its axes of `(b, t, h, w)`."""
    # All that a pixel holds moves as one number of 8 bytes.
    pixels = [part.levels.view(np.uint64)[..., 0] for part in parts]
    turned = [np.flip(part, axes) for part, axes in zip(pixels, mirrors, strict=True)]
    levels = np.stack(turned, axis=1).reshape(-1, *turned[0].shape[1:])
    return Batch(
        levels=levels[..., None].view(np.uint8),
        mask_known=np.stack([part.mask_known for part in parts], axis=1).ravel(),
        warm=np.stack([part.warm for part in parts], axis=1).ravel(),
        artifacts=tuple(
            names for row in zip(*(part.artifacts for part in parts), strict=True) for names in row
        ),
    )


@dataclass(frozen=True)
class Recipe:
    """Everything that a training sample follows from, besides its number.

    `artifacts`: names or groups to draw from. `logos`: a folder of pictures with alpha for the logo overlays. `ramp`:
    the number of samples over which severities grow from the easy ones to all.
    """

    source: ClipSource
    artifacts: tuple[str, ...]
    length: int
    size: int
    seed: int
    vocabulary: str = "train"
    logos: Path | None = None
    ramp: int = 0

    def sample(self, number: int) -> Sample:
        """Sample `number` of an endless run: an epoch shows each item once, in its own order; every other is warm.

        The artifacts are laid over the whole clip, frames for the warm start included: overlays move in one piece.
        """
        epoch, place = divmod(number, len(self.source))
        index = int(shuffled(self.seed, epoch, len(self.source))[place])
        key = derive(self.seed, number)
        clean = self.source.clip(index, derive(key, 0), self.length, self.size)
        spoiled = spoil(
            clean,
            derive(key, 1),
            self.artifacts,
            vocabulary=self.vocabulary,
            logos=self.logos,
            reach=LEAST_SEVERITY + (1 - LEAST_SEVERITY) * min(1.0, number / self.ramp) if self.ramp else 1.0,
        )
        hint = random_hint(spoiled.mask, np.random.default_rng(derive(key, 2)))
        return Sample(
            clean,
            spoiled.frames,
            spoiled.mask,
            hint,
            spoiled.mask_known,
            number % 2 == 1,
            spoiled.artifacts,
        )


def validation_clips(
    source: ClipSource,
    count: int,
    *,
    artifacts: Sequence[str] | None = None,
    clip_length: int,
    size: int,
    seed: int = 0,
    logos: Path | str | None = None,
) -> list[Sample]:
    """The fixed set by which a run is judged: always the same clips, in the validation vocabulary.

    Nothing hints at them. The artifacts take turns, one a clip: 13 clips show each of the thirteen once, mild, middling
    or severe. The clips are spread evenly over the source. All start cold: a sample holds `clip_length` frames and no
    more. `logos` as for `Batches`.
    """
    names = parse_names("all" if artifacts is None else artifacts)
    folder = None if logos is None else Path(logos)
    samples = []
    for place in range(count):
        name, severity = names[place % len(names)], SEVERITIES[place % len(SEVERITIES)]
        clean = source.clip(place * len(source) // count, derive(seed, place, 0), clip_length, size)
        spoiled = apply(
            name, clean, derive(seed, place, 1), severity=severity, vocabulary="val", logos=folder
        )
        nothing = np.full(spoiled.mask.shape, UNKNOWN, np.float32)
        samples.append(
            Sample(clean, spoiled.frames, spoiled.mask, nothing, spoiled.mask_known, False, (name,))
        )
    return samples
