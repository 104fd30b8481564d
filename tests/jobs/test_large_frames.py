"""8K in the memory of a smaller video."""

import subprocess
import sys

import av
import numpy as np
import pytest

from mlx_vader.video import write_image

WIDTH, HEIGHT = 7680, 4320
#: MiB, of the whole process.
MOST = 2000

#: A run of its own, whose peak is that of `clean`.
CODE = """
import sys
from mlx_vader.bench.machine import peak_rss_mib
from mlx_vader.jobs.clean import clean

source, target, mask = sys.argv[1:]
clean(source, target, **({"mask": mask} if mask else {"find": "network"}))
print(peak_rss_mib())
"""


@pytest.fixture
def large(tmp_path):
    """A frame of 8K."""
    path = tmp_path / "in.mp4"
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.uint16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, width=WIDTH, height=HEIGHT, options={"preset": "ultrafast"}
        )
        stream.pix_fmt = "yuv420p"
        # Smooth, so that the network takes little of it for marks.
        levels = (x // 60 + y // 40).astype(np.uint8)
        picture = av.VideoFrame.from_ndarray(levels, "gray8").reformat(format="yuv420p")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("told", [False, True])
def test_8k_takes_less_than_two_gigabytes(large, told):
    """With the network that ships: it looks for marks, or is told of one."""
    mask = large.with_name("mask.png")
    if told:
        white = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        white[200:500, 6600:7400] = 1
        write_image(mask, white)
    target = large.with_name("out.mp4")
    command = [sys.executable, "-c", CODE, str(large), str(target), str(mask) if told else ""]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) <= MOST
    with av.open(str(target)) as made:
        assert sum(1 for _ in made.decode(video=0)) == 1
