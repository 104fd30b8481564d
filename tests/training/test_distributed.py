"""Two processes on this machine train as one does."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mlx_vader.training.trainer import STATE
from tests.training.noise import Noise

ROOT = Path(__file__).parents[2]


def _free_port() -> int:
    """The first of two neighbouring ports that nobody listens on."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.mark.slow
def test_two_ranks_equal_one_on_the_same_batch(trainer, tmp_path):
    launch = Path(sys.executable).with_name("mlx.launch")
    command = [
        launch,
        "-n",
        "2",
        "--backend",
        "ring",
        "--starting-port",
        str(_free_port()),
        "--",
        sys.executable,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLX_DISABLE_COMPILE": "1"}
    result = subprocess.run(
        [*map(str, command), str(ROOT / "tests/training/rank_script.py"), str(tmp_path / "two")],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert "rank 0 of 2 is through" in result.stdout, result.stderr
    assert "rank 1 of 2 is through" in result.stdout, result.stderr
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["0"], "only the first rank writes"
    trainer(5, "one").run(Noise(size=4))
    one, two = load_file(tmp_path / "one" / STATE), load_file(tmp_path / "two" / "0" / STATE)
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_allclose(two[name], array, atol=2e-5, err_msg=name)
