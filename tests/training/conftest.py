"""A small network and a run that takes seconds."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_vader.models import registry
from mlx_vader.training import Run, TrainConfig, Trainer


@pytest.fixture(autouse=True)
def on_the_cpu():
    """Bit for bit is promised there; and a command that chose a device leaves the other tests theirs."""
    device = mx.default_device()
    mx.set_default_device(mx.cpu)
    yield
    mx.set_default_device(device)


@pytest.fixture(autouse=True)
def interpreted(request):
    """MLX compiles CPU kernels with the system's C++ compiler: minutes for all of these tests. Two tests want it."""
    if "compiled" in request.fixturenames:
        yield
        return
    mx.disable_compile()
    yield
    mx.enable_compile()


@pytest.fixture
def compiled():
    """The test runs the step as users do."""


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

    def make(steps, folder="run", watch=None, net=None, validation=None, **options):
        values = {"clip_length": 2, "before": 2, "size": 16, "warmup_steps": 2, "batch_size": 4, "lr": 1e-3}
        config = TrainConfig(out=str(tmp_path / folder), device="cpu", **values | options)
        return Trainer(Run(config, net or tiny(), steps, validation=validation), watch)

    return make


def weights_of(trainer) -> dict[str, np.ndarray]:
    """Everything a trainer carries, by name."""
    return {name: np.array(array) for name, array in trainer.state.flat().items()}
