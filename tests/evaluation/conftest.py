"""A real clip, small enough that every method takes a moment, and a network that has learned nothing."""

from pathlib import Path

import numpy as np
import pytest

from mlx_vader import checkpoints
from mlx_vader.evaluation.clips import middle_of
from mlx_vader.models.registry import build


@pytest.fixture(scope="session")
def clip(carphone: Path) -> np.ndarray:
    """A person in a moving car, 5 frames of 78x64."""
    return middle_of(carphone, 5, 64)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    return checkpoints.save(path, build("composite", "tiny"))
