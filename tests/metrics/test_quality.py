"""Q: 1 for what is perfect, 0 for what is useless, and in between the weights of its parts."""

import pytest

from mlx_vader.metrics import quality
from mlx_vader.metrics.quality import WORST


def test_each_part_costs_its_weight() -> None:
    assert quality(0, 0, 0) == pytest.approx(1)
    assert quality(WORST["warping"], 0, 0) == pytest.approx(0.5)
    assert quality(0, WORST["fid"] / 2, 0) == pytest.approx(0.85)
    assert quality(0, 0, WORST["boundary"]) == pytest.approx(0.8)


def test_no_part_costs_more() -> None:
    assert quality(*(10 * worst for worst in WORST.values())) == pytest.approx(0)
