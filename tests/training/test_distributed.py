"""Two processes on this machine train as one does."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mlx_vader.errors import VaderError
from mlx_vader.training.distributed import join
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


def _by_hand(script: list[str], folder: Path) -> list[subprocess.Popen]:
    """A process for each rank, with the variables that `mlx.launch` sets for the ring."""
    port = _free_port()
    hosts = folder / "hosts.json"
    hosts.write_text(json.dumps([[f"127.0.0.1:{port}"], [f"127.0.0.1:{port + 1}"]]))
    return [
        _started([sys.executable, *script], {"MLX_HOSTFILE": str(hosts), "MLX_RANK": str(rank)})
        for rank in range(2)
    ]


def _by_launcher(script: list[str], folder: Path) -> list[subprocess.Popen]:
    """What a user types."""
    launch = str(Path(sys.executable).with_name("mlx.launch"))
    options = ["-n", "2", "--backend", "ring", "--starting-port", str(_free_port()), "--"]
    return [_started([launch, *options, sys.executable, *script], {})]


def _started(command: list[str], variables: dict[str, str]) -> subprocess.Popen:
    # One thread a rank: idle OpenMP threads spin on the cores that the other rank needs.
    common = {"PYTHONPATH": str(ROOT), "MLX_DISABLE_COMPILE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **common, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _printed(processes: list[subprocess.Popen]) -> str:
    """What all of them wrote. A rank whose neighbour died waits for it forever: after the time all are killed."""
    try:
        return "".join(process.communicate(timeout=120)[0] for process in processes)
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("launched", [_by_hand, pytest.param(_by_launcher, marks=pytest.mark.slow)])
def test_two_ranks_equal_one_on_the_same_batch(launched, trainer, tmp_path):
    script = [str(ROOT / "tests/training/rank_script.py"), str(tmp_path / "two")]
    printed = _printed(launched(script, tmp_path))
    assert "rank 0 of 2 is through" in printed, printed
    assert "rank 1 of 2 is through" in printed, printed
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["0"], "only the first rank writes"
    trainer(5, "one").run(Noise(size=4))
    one, two = load_file(tmp_path / "one" / STATE), load_file(tmp_path / "two" / "0" / STATE)
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_allclose(two[name], array, atol=2e-5, err_msg=name)


def test_a_rank_without_a_neighbour_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("MLX_RANK", "0")
    monkeypatch.setenv("MLX_HOSTFILE", str(tmp_path / "missing.json"))
    with pytest.raises(VaderError, match="rank 0 cannot reach the others"):
        join()
