"""Clips and weights that the suites share."""

import pytest

from convert.shapes import Size
from mlx_vader.bench.clips import prepare
from mlx_vader.models.registry import build
from mlx_vader.sample_clips import find_sample_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """`clip(size)`: 16 frames of the demo clip as a file."""
    if find_sample_clip() is None:
        pytest.skip("the demo clip is in the extra: pip install 'vader-mlx[demo]'")
    folder = tmp_path_factory.mktemp("clips")
    return lambda size: prepare(None, Size(*size), 16, folder)


@pytest.fixture(scope="session")
def network():
    """The network of the shipped size."""
    return build("composite", "small")
