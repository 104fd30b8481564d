"""A piece of a real clip for every test of this room."""

from pathlib import Path

import numpy as np
import pytest

from mlx_vader.video import read_clip


@pytest.fixture(scope="session")
def scene(bunny: Path) -> np.ndarray:
    """Three frames, 192x256: fur, leaves and sky."""
    return np.ascontiguousarray(read_clip(bunny, 60, 3)[:, 60:252, 200:456])
