"""kill -9 at twenty moments of a clip of thirty seconds, and `--resume` each time: the same frames, little lost."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from mlx_vader.video import open_video

KILLS = 20
#: Seconds that the network takes for a frame: two minutes for the clip, more than the runs have between them.
PACE = 0.16
#: Seconds of its work that an interruption may lose.
MOST_LOST = 10.0

#: `clean` with a network that remembers all before, and counts in a file what it has done.
CODE = f"""
import os, time
from mlx_vader import cli
from mlx_vader.jobs import composition
from tests.streaming.backends import Leaky

class Slow(Leaky):
    def _restore(self, frames, state, hint=None):
        time.sleep({PACE} * len(frames))
        with open(os.environ["DONE"], "ab") as done:
            done.write(b"." * len(frames))
        return super()._restore(frames, state)

composition.load_backend = lambda *_: Slow()
composition.network_identity = lambda _: "slow"
cli.main()
"""


@pytest.fixture
def half_a_minute(tmp_path):
    """750 small frames, lossless."""
    path = tmp_path / "in.mkv"
    random_levels = np.random.default_rng(2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, width=64, height=48)
        stream.pix_fmt = "yuv420p"
        for _ in range(750):
            levels = random_levels.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(levels, "rgb24").reformat(format="yuv420p"))
            )
        container.mux(stream.encode(None))
    return path


def started(source, target, *options):
    command = [
        sys.executable,
        "-c",
        CODE,
        "clean",
        source,
        "-o",
        target,
        "-c",
        "realtime",
        "--find",
        "network",
        "--codec",
        "ffv1",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    environment["DONE"] = str(target.with_suffix(".done"))
    return subprocess.Popen(
        [*command, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def manifest(target):
    path = target.parent / f".{target.name}.vader" / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else {"frames": 0}


def frames_done(target):
    path = target.with_suffix(".done")
    return path.stat().st_size if path.exists() else 0


def samples(path):
    with open_video(path) as video:
        return [[np.array(plane) for plane in frame.samples] for frame in video]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twenty_kills_lose_at_most_ten_seconds_each_and_no_frame(tmp_path, half_a_minute):
    target, moments = tmp_path / "out.mkv", random.Random(3)
    whole = started(half_a_minute, tmp_path / "whole.mkv")
    for _ in range(KILLS):
        process = started(half_a_minute, target, "--resume")
        frames, recorded = manifest(target)["frames"], frames_done(target)
        while frames_done(target) == recorded:  # how long a start takes is the machine's affair
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        until = time.monotonic() + moments.uniform(0.1, 9.5)
        while time.monotonic() < until:
            if (now := manifest(target)["frames"]) != frames:
                frames, recorded = now, frames_done(target)
            time.sleep(0.01)
        assert process.poll() is None, process.stderr.read()
        process.kill()
        process.wait()
        assert manifest(target)["frames"] >= frames
        assert (frames_done(target) - recorded) * PACE <= MOST_LOST
    assert not target.exists()
    assert manifest(target)["frames"] > 0
    last = started(half_a_minute, target, "--resume")
    assert last.wait() == 0, last.stderr.read()
    assert whole.wait() == 0
    for ours, theirs in zip(samples(target), samples(tmp_path / "whole.mkv"), strict=True):
        assert all(np.array_equal(*pair) for pair in zip(ours, theirs, strict=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.mkv",
        "out.done",
        "out.mkv",
        "whole.done",
        "whole.mkv",
    ]
