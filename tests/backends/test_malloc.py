"""Freed blocks are used again, and whoever says otherwise is heard."""

import os
import subprocess
import sys

import pytest

from mlx_vader._malloc import keep_freed_blocks

PAGES = 48 * 2**20 // 4096
#: Takes, fills and frees six blocks of 8 MiB twenty times, and prints how many pages came from the system meanwhile.
CODE = """
import resource
import numpy as np
from mlx_vader._malloc import keep_freed_blocks

def use():
    for block in [np.empty(2**20) for _ in range(6)]:
        block.fill(1.0)

kept = {kept}
if kept:
    assert keep_freed_blocks()
use()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    use()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages(kept):
    # Numpy asks for huge pages, of which one fault brings 512.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    environment |= {"NUMPY_MADVISE_HUGEPAGE": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(kept=kept)], env=environment, capture_output=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="a matter of glibc")
def test_blocks_do_not_come_from_the_system_again():
    assert pages(kept=True) < PAGES
    assert pages(kept=False) > 10 * PAGES


@pytest.mark.parametrize("name", ["MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"])
def test_the_environment_has_the_last_word(name, monkeypatch):
    monkeypatch.setenv(name, "1000000")
    assert not keep_freed_blocks()
