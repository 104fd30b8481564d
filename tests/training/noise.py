"""Batches that follow from their number and cost nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from mlx_vader.data import Batch
from mlx_vader.data.samples import NO_HINT


@dataclass
class Noise:
    """Batches of noise: `before` + 2 frames of 16 x 16, every other clip warm, every third mask unknown."""

    size: int = 4
    before: int = 2
    world: int = 1
    rank: int = 0
    skipped: tuple[str, ...] = ()

    def batch(self, step: int) -> Batch:
        """Each clip follows from its number in the run, whatever the size of the batch."""
        share = self.size // self.world
        first = step * self.size + self.rank * share
        return self._stacked(range(first, first + share))

    def iterate(self, start: int = 0) -> Iterator[Batch]:
        while True:
            yield self.batch(start)
            start += 1

    def _stacked(self, numbers: Iterable[int]) -> Batch:
        shape = (self.before + 2, 16, 16, 3)
        levels = []
        for number in numbers:
            rng = np.random.default_rng(number)
            clean = rng.integers(0, 256, shape)
            marked = rng.random((*shape[:3], 1)) > 0.8
            levels.append(
                [clean, np.where(marked, clean // 2 + 64, clean), marked * 255, marked * 2 * NO_HINT]
            )
        return Batch(
            levels=np.stack([np.concatenate(sample, axis=-1) for sample in levels]).astype(np.uint8),
            mask_known=np.array([number % 3 > 0 for number in numbers]),
            warm=np.array([number % 2 == 1 for number in numbers]),
            artifacts=(("corner_logo",),) * len(numbers),
        )
