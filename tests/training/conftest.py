"""A small network, batches that follow from their number, and a run that takes seconds."""

from dataclasses import dataclass

import mlx.core as mx
import numpy as np
import pytest

from mlx_vader.data import Batch
from mlx_vader.models import registry
from mlx_vader.training import TrainConfig, Trainer


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

    def iterate(self, start: int = 0):
        while True:
            yield self.batch(start)
            start += 1

    def _stacked(self, numbers) -> Batch:
        shape = (self.before + 2, 16, 16, 3)
        clean, spoiled, mask = [], [], []
        for number in numbers:
            rng = np.random.default_rng(number)
            clean.append(rng.random(shape, np.float32))
            mask.append((rng.random((*shape[:3], 1)) > 0.8).astype(np.float32))
            spoiled.append(clean[-1] * (1 - mask[-1]) + 0.5 * mask[-1])
        return Batch(
            clean=np.stack(clean),
            spoiled=np.stack(spoiled),
            mask=np.stack(mask),
            mask_known=np.array([number % 3 > 0 for number in numbers]),
            warm=np.array([number % 2 == 1 for number in numbers]),
            artifacts=(("corner_logo",),) * len(numbers),
        )


@pytest.fixture
def tiny():
    """The tiny network with a memory, the same weights every time."""

    def make(name="composite", **overrides):
        mx.random.seed(7)
        return registry.build(name, "tiny", **overrides)

    return make


@pytest.fixture
def trainer(tmp_path, tiny):
    """A trainer on the tiny network: `trainer(steps=3, folder="a", lr=1e-2)`."""

    def make(steps, folder="run", watch=None, net=None, **options):
        values = {"clip_length": 2, "before": 2, "size": 16, "warmup_steps": 2, "batch_size": 4, "lr": 1e-3}
        config = TrainConfig(out=str(tmp_path / folder), device="cpu", **values | options)
        return Trainer(config, net or tiny(), steps, watch=watch)

    return make


def weights_of(trainer) -> dict[str, np.ndarray]:
    """Everything a trainer carries, by name."""
    return {name: np.array(array) for name, array in trainer.state.flat().items()}
