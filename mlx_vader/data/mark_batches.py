"""Batches for the finder of marks: statistics of composed clips, kept in a folder and seen several times.

A clip takes a quarter of a second to compose, and its statistics are much smaller than its frames. So samples are
stored, and a batch draws from those that there are by then: one is new for every `REUSE` that are seen.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Bool, Float32, Int8, UInt8

from mlx_vader.data.keys import derive
from mlx_vader.data.marked_clips import marked_clip
from mlx_vader.data.source import ClipSource
from mlx_vader.data.stream import Made, Stream, share_of
from mlx_vader.masks.static.statistics import inverted, statistics
from mlx_vader.writing import write_file

#: Samples to draw from at the first step, and how often each of the later ones is seen, about.
FIRST, REUSE = 256, 18
#: Composed clips are so many pixels larger than a batch's crops of them.
MARGIN = 32
#: Statistics are stored as whole numbers.
_SCALE = 127


class MarkSample(NamedTuple):
    """A clip's statistics times 127, the mask to find, how much each pixel counts of 255, and whether all is still."""

    features: Int8[np.ndarray, "h w channels"]
    mask: Bool[np.ndarray, "h w"]
    certainty: UInt8[np.ndarray, "h w"]
    still: bool


@dataclass(frozen=True)
class MarkBatch:
    """Samples of one size; statistics from -1 to 1, masks 0 or 1, certainties from 0 to 1, 1 where all is still."""

    features: Float32[np.ndarray, "b 1 h w channels"]
    mask: Float32[np.ndarray, "b 1 h w 1"]
    certainty: Float32[np.ndarray, "b 1 h w 1"]
    still: Float32[np.ndarray, "b 1 1"]


@dataclass(frozen=True)
class Samples:
    """The composed samples of a run, by number, stored in `folder` once they are made; None stores nothing."""

    source: ClipSource
    seed: int
    size: int
    folder: Path | None = None
    vocabulary: str = "train"
    logos: Path | None = None

    def sample(self, number: int) -> MarkSample:
        """Sample `number`, read or made."""
        if self.folder is None:
            return self._made(number)
        path = self.folder / f"{number:06}.npz"
        try:
            with np.load(path) as stored:
                return MarkSample(
                    stored["features"], stored["mask"], stored["certainty"], bool(stored["still"])
                )
        except (OSError, ValueError, KeyError, BadZipFile):
            made = self._made(number)
        self.folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **made._asdict())
        write_file(path, buffer.getvalue())
        return made

    def _made(self, number: int) -> MarkSample:
        key = derive(self.seed, number)
        clip = marked_clip(self.source, key, self.size, vocabulary=self.vocabulary, logos=self.logos)
        features = np.rint(_SCALE * statistics(clip.frames)).astype(np.int8)
        return MarkSample(features, clip.mask, np.rint(255 * clip.certainty).astype(np.uint8), clip.still)


def stacked(samples: Sequence[MarkSample]) -> MarkBatch:
    """One batch in the order of the samples."""

    def maps(arrays: list[np.ndarray], scale: int) -> Float32[np.ndarray, "b 1 h w c"]:
        stack = np.stack(arrays)[:, None].astype(np.float32) / np.float32(scale)
        return stack if stack.ndim == 5 else stack[..., None]

    return MarkBatch(
        maps([sample.features for sample in samples], _SCALE),
        maps([sample.mask for sample in samples], 1),
        maps([sample.certainty for sample in samples], 255),
        np.array([sample.still for sample in samples], np.float32)[:, None, None],
    )


def varied(sample: MarkSample, size: int, rng: np.random.Generator) -> MarkSample:
    """A crop of a sample, half of the time with light for dark."""
    height, width = sample.mask.shape
    top, left = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
    features, mask, certainty = (
        plane[top : top + size, left : left + size]
        for plane in (sample.features, sample.mask, sample.certainty)
    )
    return MarkSample(inverted(features) if rng.random() < 0.5 else features, mask, certainty, sample.still)


class MarkBatches(Stream[MarkBatch]):
    """An endless run of batches, each of which follows from its step; see `mlx_vader.data.Batches` for the arguments.

    `folder`: where composed samples are kept. Close it, or use it in a `with`.
    """

    def __init__(
        self,
        source: ClipSource,
        *,
        batch_size: int,
        size: int,
        seed: int,
        folder: Path | None = None,
        rank: int = 0,
        world: int = 1,
        workers: int = 1,
        logos: Path | None = None,
    ) -> None:
        share = share_of(batch_size, world)
        samples = Samples(source, seed, size + MARGIN, folder, logos=logos)
        super().__init__(
            _Share(samples, size, batch_size, share * rank, share), workers, tuple(source.skipped)
        )

    def iterate(self, start: int = 0) -> Iterator[MarkBatch]:
        """The batches of steps `start`, `start` + 1, … without end, made ahead by the workers."""
        return self.made_from(start)


@dataclass(frozen=True)
class _Share:
    """What one rank makes at a step: `count` samples from the `first` on, of `batch_size` of all ranks."""

    samples: Samples
    size: int
    batch_size: int
    first: int
    count: int

    def __call__(self, step: int) -> Made[MarkBatch]:
        drawn = []
        for place in range(self.count):
            number = step * self.batch_size + self.first + place
            rng = np.random.default_rng(derive(self.samples.seed, 1, number))
            sample = self.samples.sample(int(rng.integers(FIRST + number // REUSE)))
            drawn.append(varied(sample, self.size, rng))
        return Made(stacked(drawn), tuple(self.samples.source.skipped))
