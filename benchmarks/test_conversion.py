"""From a network to a written Core ML package.

pytest -n 0 benchmarks/test_conversion.py
"""

import pytest

from convert import convert


@pytest.mark.parametrize("shapes", ["256", "256,512,720p", "range:256-1280"])
def test_convert(benchmark, network, tmp_path, shapes):
    out = tmp_path / "net.mlpackage"
    benchmark.pedantic(lambda: convert(network, out, shapes=shapes), rounds=2, warmup_rounds=1)
