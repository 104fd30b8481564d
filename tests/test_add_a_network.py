"""The page that says how to add a network: its two files and its line are all that the house's tests need."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.following_the_page import PAGE, places

ROOT = Path(__file__).parent.parent

#: What is run with the page's network, and tests that must be among those that passed.
TESTS = {
    "tests/models": ("test_network_equals_twin_over_two_clips", "test_gradients_equal_the_twins"),
    "tests/backends": ("test_a_backend_computes_what_the_network_does", "test_a_package_runs_in_the_backend"),
    "tests/convert/test_coreml.py": ("test_package_equals_twin_over_a_stream", "test_interface"),
}


def test_the_page_names_three_places() -> None:
    name = "pair_flow"
    assert list(places()) == [
        f"mlx_vader/models/{name}.py",
        f"torch_ref/models/{name}.py",
        "mlx_vader/models/registry.py",
    ]
    for path in re.findall(
        r"`((?:mlx_vader|torch_ref|scripts|tests)/[\w/.]+)`", PAGE.read_text(encoding="utf-8")
    ):
        assert name in path or (ROOT / path).is_file(), path


@pytest.mark.parametrize("where", TESTS)
def test_the_tests_find_its_network(where: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "tests.following_the_page", "-n", "0", "-vv", where]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        [*command, "-k", "pair-flow"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    for test in TESTS[where]:
        assert f"::{test}[" in done.stdout, test
